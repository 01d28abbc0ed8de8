import type { ContainerSummary } from '../../docker-api/types.ts';
import type { ImageDetails, ImageStore } from '../../engine/port.ts';
import { type ContainerFacts, imageName } from './facts.ts';

/** By what images were asked for: each name is looked up once for a list. */
export type KnownImages = Map<string, Promise<ImageDetails | undefined>>;

/** Whether what a container's image was asked by is another image's name by now, or nobody's: lists show the image's id then, as Docker's do. */
export async function hasMoved(images: ImageStore, { spec, details }: ContainerFacts, known: KnownImages): Promise<boolean> {
  // Its engine has not made it yet, or has lost it.
  if (details.imageId === spec.image.digest) return false;
  const now = await imageBy(images, imageName(spec), known);
  return now === undefined || (now.digest !== spec.image.digest && now.id !== details.imageId);
}

/** A row of another node of this architecture, as one reads it here: a name means what it means to the node that was asked. */
export async function asNamedHere(images: ImageStore, row: ContainerSummary, known: KnownImages): Promise<ContainerSummary> {
  const here = await imageBy(images, row.Image, known);
  return here === undefined || [here.id, here.digest].includes(row.ImageID) ? row : { ...row, Image: row.ImageID };
}

function imageBy(images: ImageStore, name: string, known: KnownImages): Promise<ImageDetails | undefined> {
  const image = known.get(name) ?? images.inspect(name).catch(() => undefined);
  known.set(name, image);
  return image;
}
