import { durationText } from '../../lib/duration-text.ts';
import type { ImageSummary } from '../../docker-api/types.ts';
import { decimalSize, timestamp } from '../format/human.ts';
import type { View } from '../format/list.ts';

/** One reference of an image: an image with two tags is two rows, one without is `<none>`. */
export interface ImageRow {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly image: ImageSummary;
}

export function imageRows(images: readonly ImageSummary[]): ImageRow[] {
  return images.flatMap((image) => {
    const digest = image.RepoDigests?.[0]?.split('@').at(-1) ?? '<none>';
    const tags = (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
    if (tags.length === 0) return [{ repository: image.RepoDigests?.[0]?.split('@')[0] ?? '<none>', tag: '<none>', digest, image }];
    return tags.map((reference) => {
      const at = reference.lastIndexOf(':');
      return { repository: reference.slice(0, at), tag: reference.slice(at + 1), digest, image };
    });
  });
}

export function imageView(options: { readonly trunc: boolean; readonly digests: boolean; readonly nowMs: number }): View<ImageRow> {
  return {
    columns: ['Repository', 'Tag', ...(options.digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'],
    titles: {
      Repository: 'REPOSITORY',
      Tag: 'TAG',
      Digest: 'DIGEST',
      ID: 'IMAGE ID',
      CreatedSince: 'CREATED',
      CreatedAt: 'CREATED AT',
      Size: 'SIZE',
      Containers: 'CONTAINERS',
    },
    fields: ({ repository, tag, digest, image }) => ({
      ID: options.trunc ? image.Id.replace(/^sha256:/, '').slice(0, 12) : image.Id,
      Repository: repository,
      Tag: tag,
      Digest: digest,
      CreatedSince: `${durationText(options.nowMs - image.Created * 1_000)} ago`,
      CreatedAt: timestamp(image.Created * 1_000),
      Size: decimalSize(image.Size),
      Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
    }),
  };
}
