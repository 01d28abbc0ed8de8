import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LabInstance, startInstance } from '../../lab/instance.ts';
import { UnixClient } from '../../lab/unix-client.ts';
import { type ValidatedSocket, validatedSocket } from '../../openapi/validated-socket.ts';

/** A daemon as its clients meet it; where containers come to lie is not theirs to know. */
export interface World {
  /** Of the daemon that is asked; each of its answers is held against Docker's document. */
  readonly socket: string;
  /** busybox, at the registry. */
  readonly image: string;
  /** `IP:PORT` */
  readonly registry: string;
  /** Of the environment of each container: says which node it goes to. */
  readonly place: readonly string[];
  /** Whether containers can be on networks of their own. */
  readonly networks: boolean;
  /** To write to. */
  readonly dir: string;
  /** What was not as documented, so far. */
  deviations(): readonly string[];
  /** Removes all containers, and volumes that nobody named. */
  tidy(): Promise<void>;
  down(): Promise<void>;
}

/** One node; or three, of which containers lie on another than the one that is asked. */
export type Topology = 1 | 3;

export async function startWorld(name: string, subnet: string, topology: Topology): Promise<World> {
  const dir = `/tmp/${name}`;
  const instance = await startInstance({ name, hosts: topology, dir, subnet });
  try {
    const asked = instance.lab.host(1);
    const other = instance.lab.host(topology === 1 ? 1 : 2);
    const validated = await validatedSocket(asked.socket, join(dir, 'validated.sock'));
    const client = new UnixClient(asked.socket);
    mkdirSync(join(dir, 'home'));
    return {
      socket: validated.socket,
      image: instance.image,
      registry: `${instance.lab.bridgeIp}:5000`,
      place: [`constraint:node==${other.name}`],
      networks: true,
      dir,
      deviations: validated.deviations,
      tidy: () => tidy(client),
      down: () => takeDown(instance, client, validated),
    };
  } catch (error) {
    await instance.down();
    throw error;
  }
}

export async function tidy(client: UnixClient): Promise<void> {
  const rows = JSON.parse((await client.ok('GET', '/containers/json?all=1')).body) as readonly { readonly Id: string }[];
  await Promise.all(rows.map(({ Id }) => client.call('DELETE', `/containers/${Id}?force=1&v=1`)));
}

async function takeDown(instance: LabInstance, client: UnixClient, validated: ValidatedSocket): Promise<void> {
  client.close();
  await validated.close();
  await instance.down();
}
