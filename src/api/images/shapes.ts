import type { ImageInspect, ImageSummary } from '../../docker-api/types.ts';
import type { ImageDetails, ImageSummary as StoredImage } from '../../engine/port.ts';
import { timeText } from '../containers/status.ts';
import { familiarReference, repositoryOf } from './reference.ts';

/** Ours, in Docker's answers: what nodes tell each other of an image. */
export interface ImageIdentity {
  /** Of the index or manifest: the same on all nodes, where Docker's Id differs by platform. */
  Digest: string;
  /** Normalised. */
  References: string[];
  Arches: string[];
}

export interface ImageRow extends ImageSummary {
  Caravela: Pick<ImageIdentity, 'Digest'>;
}

export interface ImageAnswer extends ImageInspect {
  Caravela: ImageIdentity;
}

/** One row of `images/json`. */
export function imageRow(image: StoredImage): ImageRow {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: tagsOf(image),
    RepoDigests: digestsOf(image),
    Created: Math.floor(image.createdAtMs / 1000),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    SharedSize: -1,
    Labels: { ...image.labels },
    Containers: -1,
    Caravela: { Digest: image.digest },
  };
}

/** `GET /images/{name}/json`. */
export function imageAnswer(image: ImageDetails): ImageAnswer {
  return {
    Id: image.id,
    RepoTags: tagsOf(image),
    RepoDigests: digestsOf(image),
    Parent: '',
    Comment: image.history.at(-1)?.comment ?? '',
    Created: timeText(image.createdAtMs),
    Container: '',
    DockerVersion: '',
    Author: image.author,
    Config: image.config,
    Architecture: image.architecture,
    ...(image.variant === '' ? {} : { Variant: image.variant }),
    Os: image.os,
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Name: 'overlay2', Data: null },
    RootFS: { Type: 'layers', Layers: [...image.layers] },
    Metadata: { LastTagTime: timeText(0) },
    Caravela: { Digest: image.digest, References: [...image.references], Arches: [...image.arches] },
  };
}

export interface HistoryRow {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** `GET /images/{name}/history`, newest first; sizes of single layers are not kept. */
export function historyOf(image: ImageDetails): HistoryRow[] {
  return image.history.toReversed().map((step, index) => ({
    Id: index === 0 ? image.id : '<missing>',
    Created: Math.floor((Date.parse(step.created ?? '') || 0) / 1000),
    CreatedBy: step.created_by ?? '',
    Tags: index === 0 ? tagsOf(image) : null,
    Size: 0,
    Comment: step.comment ?? '',
  }));
}

function tagsOf(image: StoredImage): string[] {
  return image.references.filter((r) => !r.includes('@')).map(familiarReference);
}

function digestsOf(image: StoredImage): string[] {
  const repositories = new Set(image.references.map((r) => familiarReference(repositoryOf(r))));
  return [...repositories].map((r) => `${r}@${image.digest}`);
}
