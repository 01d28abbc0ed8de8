import { LIMITS } from '../../core/model/index.ts';
import type { ImageDetails, ImagePlatform } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import type { Scope } from '../instance/scope.ts';
import { askHolders } from './holders.ts';
import { isId, normalise, noSuchImage } from './names.ts';
import { parseReference } from './reference.ts';

/** What a create needs to know of its image; the node that gets the container fetches the rest by digest. */
export interface ResolvedImage {
  /** Normalised. */
  readonly reference: string;
  /** Of the index or manifest. */
  readonly digest: string;
  readonly arches: readonly string[];
  readonly stopSignal: string;
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[];
}

/**
 * An image for one platform of those it has. What it has not is Docker's 404, upon which clients pull it. @throws ApiError 404
 */
export function forPlatform(name: string, image: ResolvedImage, platform: ImagePlatform | undefined): ResolvedImage {
  if (platform === undefined) return image;
  const { architecture } = platform;
  if (image.arches.includes(architecture)) return { ...image, arches: [architecture] };
  const actual = image.arches.map((arch) => `linux/${arch}`).join(', ');
  throw new ApiError(
    404,
    `image with reference ${name} was found but does not match the specified platform: wanted linux/${architecture}, actual: ${actual}`,
  );
}

/** Finds an image here, else on any node that answers. @throws ApiError 400 (not a reference), 404 (nobody has it) */
export async function resolveImage(context: ApiContext, name: string, scope: Scope): Promise<ResolvedImage> {
  if (!isId(name)) parseReference(name);
  const here = await context.backend.images.inspect(name);
  if (here !== undefined) return resolvedFrom(name, here);
  const { holders } = scope === 'node' ? { holders: [] } : await askHolders(context, name, { any: true });
  const [found] = holders;
  if (found === undefined) throw new ApiError(404, noSuchImage(name).message, { missingImage: name });
  const { Config, Caravela } = found.image;
  return {
    reference: referenceOf(name, Caravela.References, Caravela.Digest),
    digest: Caravela.Digest,
    arches: Caravela.Arches,
    stopSignal: Config?.StopSignal ?? '',
    exposedPorts: exposedPortsOf(Config?.ExposedPorts),
  };
}

function resolvedFrom(name: string, image: ImageDetails): ResolvedImage {
  const stopSignal = image.config['StopSignal'];
  return {
    reference: referenceOf(name, image.references, image.digest),
    digest: image.digest,
    arches: image.arches,
    stopSignal: typeof stopSignal === 'string' ? stopSignal : '',
    exposedPorts: exposedPortsOf(image.config['ExposedPorts']),
  };
}

/** Images come from anywhere: what in them is no port is left out, and so is what is beyond a container's bound. */
function exposedPortsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value)
    .filter((key) => /^\d{1,5}(\/(tcp|udp))?$/.test(key))
    .map((key) => (key.includes('/') ? key : `${key}/tcp`))
    .filter((key) => Number.parseInt(key, 10) >= 1 && Number.parseInt(key, 10) <= 65_535)
    .slice(0, LIMITS.hostPorts);
}

/** The name as the user wrote it, normalised; for an id the first name the image has, else its digest. */
function referenceOf(name: string, references: readonly string[], digest: string): string {
  const normalised = normalise(name);
  if (normalised !== undefined && (references.includes(normalised) || !isId(name))) return normalised;
  return references[0] ?? digest;
}
