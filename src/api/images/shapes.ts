import type { HistoryRow, ImageInspect, ImageSummary } from '../../docker-api/types.ts';
import type { ImageDetails, ImageSummary as StoredImage, ImageUsage } from '../../engine/port.ts';
import { timeText } from '../containers/status.ts';
import { familiarReference, repositoryOf } from './reference.ts';
import type { ImageUsers } from './users.ts';

/** Ours, in Docker's answers: what nodes tell each other of an image. */
export interface ImageIdentity {
  /** Of the index or manifest: the same on all nodes, where Docker's Id differs by platform. */
  Digest: string;
  /** Normalised. */
  References: string[];
  Arches: string[];
  /** Containers of the node that answers. */
  UsedBy: string[];
  /** Those of them that run. */
  RunBy: string[];
}

export interface ImageRow extends ImageSummary {
  Caravela: Pick<ImageIdentity, 'Digest'>;
}

export interface ImageAnswer extends ImageInspect {
  Caravela: ImageIdentity;
}

/** One row of `images/json`. @param usage where it was asked for: else −1, not counted */
export function imageRow(image: StoredImage, usage?: ImageUsage): ImageRow {
  const used = usage?.images[image.digest];
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: tagsOf(image),
    RepoDigests: digestsOf(image),
    Created: Math.floor(image.createdAtMs / 1000),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    SharedSize: used?.sharedBytes ?? -1,
    Labels: { ...image.labels },
    Containers: used?.containers ?? -1,
    Caravela: { Digest: image.digest },
  };
}

/** `GET /images/{name}/json`. */
export function imageAnswer(image: ImageDetails, { usedBy, runBy }: ImageUsers): ImageAnswer {
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
    // Old clients recreate a container only with it, and keep the volumes that it names: images say them in their own config now.
    ContainerConfig: { ...NOTHING_SET, ...image.config },
    Config: { ...NOTHING_SET, ...image.config },
    Architecture: image.architecture,
    ...(image.variant === '' ? {} : { Variant: image.variant }),
    Os: image.os,
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Name: 'overlay2', Data: null },
    RootFS: { Type: 'layers', Layers: [...image.layers] },
    Metadata: { LastTagTime: timeText(0) },
    Caravela: {
      Digest: image.digest,
      References: [...image.references],
      Arches: [...image.arches],
      UsedBy: [...usedBy],
      RunBy: [...runBy],
    },
  };
}

/** What images leave out that say nothing of it: clients look into each. */
const NOTHING_SET = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** `GET /images/{name}/history`, newest first. */
export function historyOf(image: ImageDetails): HistoryRow[] {
  let layer = 0;
  const sizes = image.history.map((step) => (step.empty_layer === true ? 0 : (image.layerBytes?.[layer++] ?? 0)));
  return image.history
    .map((step, at) => ({
      Id: '<missing>',
      Created: Math.floor((Date.parse(step.created ?? '') || 0) / 1000),
      CreatedBy: step.created_by ?? '',
      Tags: null as string[] | null,
      Size: sizes[at] ?? 0,
      Comment: step.comment ?? '',
    }))
    .reverse()
    .map((row, at) => (at === 0 ? { ...row, Id: image.id, Tags: tagsOf(image) } : row));
}

function tagsOf(image: StoredImage): string[] {
  return image.references.filter((r) => !r.includes('@')).map(familiarReference);
}

/** Of what was only made or loaded here no registry knows the digest. */
function digestsOf({ references, published = [], digest }: StoredImage): string[] {
  const byDigest = references.filter((r) => r.includes('@')).map(repositoryOf);
  return [...new Set([...published, ...byDigest].map(familiarReference))].map((r) => `${r}@${digest}`);
}
