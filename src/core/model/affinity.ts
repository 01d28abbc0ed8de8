import type { ContainerId } from './ids.ts';
import { shortId } from './ids.ts';
import { matchesGlob } from './filter.ts';
import type { Unfit } from './filter.ts';
import type { Affinity, Request } from './request.ts';

/** What of a container affinities look at. */
export type Neighbour = Pick<Request, 'containerId' | 'name' | 'labels' | 'image'>;

/** Why a node with these containers is not where the affinities want to be; undefined where it is. */
export function unmet(affinities: readonly Affinity[], containers: Iterable<Neighbour>): Unfit | undefined {
  if (affinities.length === 0) return undefined;
  const here = [...containers];
  for (const affinity of affinities) {
    const found = here.find((container) => isMeant(affinity, container));
    if (affinity.operator === '==' && found === undefined) return { reason: 'affinity', detail: `has no container ${wanted(affinity)}` };
    if (affinity.operator === '!=' && found !== undefined) {
      return { reason: 'affinity', detail: `has a container ${wanted(affinity)} already (${found.name})` };
    }
  }
  return undefined;
}

/** Whether an affinity, whatever its operator, speaks of this container. */
export function isMeant({ subject, key, value }: Affinity, container: Neighbour): boolean {
  switch (subject) {
    case 'container':
      return matchesGlob(value, container.name) || value === container.containerId || isShortOf(value, container.containerId);
    case 'image':
      return matchesGlob(value, container.image) || matchesGlob(plainImage(value), plainImage(container.image));
    case 'label': {
      const found = Object.hasOwn(container.labels, key) ? container.labels[key] : undefined;
      return found !== undefined && matchesGlob(value, found);
    }
    default:
      return subject satisfies never;
  }
}

/** As it is written on the command line: `container==web`, `app!=~db*`. */
export function affinityWords({ subject, key, operator, value, soft }: Affinity): string {
  return `${subject === 'label' ? key : subject}${operator}${soft ? '~' : ''}${value}`;
}

/** `redis` for `docker.io/library/redis:latest`, `quay.io/org/app:1` as it is: how people write them. */
export function plainImage(reference: string): string {
  const home = reference.startsWith('docker.io/') ? reference.slice('docker.io/'.length) : reference;
  const name = home.startsWith('library/') ? home.slice('library/'.length) : home;
  return name.endsWith(':latest') ? name.slice(0, -':latest'.length) : name;
}

/** Without tag and digest, as people write it: `redis`, `quay.io:443/org/app`. */
export function imageRepository(reference: string): string {
  const named = plainImage(reference).split('@')[0] ?? '';
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
}

/** Shorter ones would be words too easily: `db`, `cafe`. */
const SHORT_ID_DIGITS = shortId('0'.repeat(64) as ContainerId).length;

function isShortOf(value: string, id: ContainerId): boolean {
  return value.length >= SHORT_ID_DIGITS && /^[0-9a-f]+$/.test(value) && id.startsWith(value);
}

function wanted({ subject, key, value }: Affinity): string {
  if (subject === 'container') return value;
  return subject === 'image' ? `of image ${value}` : `with label ${key}=${value}`;
}
