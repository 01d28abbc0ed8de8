import type { UnixClient } from './unix-client.ts';

/** What `POST /containers/create` is asked for. */
export interface Wish {
  readonly image: string;
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  /** Default: a random one. */
  readonly name?: string;
}

/** Its one answer; `status` 0 where the connection ended without one. */
export interface CreateAnswer {
  readonly wish: Wish;
  readonly status: number;
  /** Of the container, where it was created. */
  readonly id: string | undefined;
  /** The reason, where it was not. */
  readonly message: string;
  readonly tookMs: number;
}

/** Asks for all at once, taking turns among the daemons. Never rejects: a lost connection is an answer, too. */
export function createAtOnce(clients: readonly UnixClient[], wishes: readonly Wish[]): Promise<readonly CreateAnswer[]> {
  return Promise.all(wishes.map((wish, i) => create(clients[i % clients.length] as UnixClient, wish)));
}

export async function create(client: UnixClient, wish: Wish): Promise<CreateAnswer> {
  const began = performance.now();
  const path = wish.name === undefined ? '/containers/create' : `/containers/create?name=${wish.name}`;
  try {
    const { status, body, tookMs } = await client.call('POST', path, {
      Image: wish.image,
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'none', NanoCpus: wish.cpuMillicores * 1e6, Memory: wish.memoryBytes },
    });
    const { Id: id, message = '' } = JSON.parse(body) as { Id?: string; message?: string };
    return { wish, status, id, message, tookMs };
  } catch (error) {
    return { wish, status: 0, id: undefined, message: (error as Error).message, tookMs: performance.now() - began };
  }
}
