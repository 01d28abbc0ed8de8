import type { Client } from '../../docker-api/client.ts';
import type { ContainersPruned, ImagesPruned, VolumesPruned } from '../../docker-api/types.ts';
import { removedLines } from '../views/removed-lines.ts';
import type { Pruned } from './prune.ts';

type Filters = Record<string, string[]>;

export async function pruneContainers(client: Client, filters: Filters): Promise<Pruned> {
  const { value } = await client.json<ContainersPruned>('POST', '/containers/prune', { query: { filters } });
  return { title: 'Deleted Containers', removed: value.ContainersDeleted ?? [], bytes: value.SpaceReclaimed };
}

export async function pruneNetworks(client: Client, filters: Filters): Promise<Pruned> {
  const { value } = await client.json<{ NetworksDeleted: string[] | null }>('POST', '/networks/prune', { query: { filters } });
  return { title: 'Deleted Networks', removed: value.NetworksDeleted ?? [], bytes: undefined };
}

/** @param all also those with a name that no container uses; else only those without */
export async function pruneImages(client: Client, filters: Filters, all: boolean): Promise<Pruned> {
  const query = { filters: { ...filters, dangling: [String(!all)] } };
  const { value } = await client.json<ImagesPruned>('POST', '/images/prune', { query });
  return { title: 'Deleted Images', removed: removedLines(value.ImagesDeleted ?? []), bytes: value.SpaceReclaimed };
}

/** @param all also those with a name; else only those that nobody named */
export async function pruneVolumes(client: Client, filters: Filters, all: boolean): Promise<Pruned> {
  // Which of the two goes without saying differs between versions of the API.
  const query = { filters: { ...filters, all: [String(all)] } };
  const { value } = await client.json<VolumesPruned>('POST', '/volumes/prune', { query });
  return { title: 'Deleted Volumes', removed: value.VolumesDeleted ?? [], bytes: value.SpaceReclaimed };
}
