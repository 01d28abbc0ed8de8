import type { Member } from '../../core/model/index.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { EventMessage } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { SCOPE_HEADER } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

/** The event streams of other nodes, as one. */
export class JoinedPeers {
  readonly #backend: Backend;
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly #push: (message: EventMessage) => boolean;
  readonly #flowing = new Map<Member['id'], Promise<void>>();
  #stopWatching = (): void => undefined;

  /** @param push is given each event; false: there is no more room for any. */
  constructor(backend: Backend, path: string, signal: AbortSignal, push: (message: EventMessage) => boolean) {
    this.#backend = backend;
    this.#path = path;
    this.#signal = signal;
    this.#push = push;
  }

  /** Opens the stream of each node that is there, and of each that comes while it is listened to. @returns who did not answer */
  async open(): Promise<readonly Member[]> {
    const self = this.#backend.self().id;
    const peers = this.#backend.members().filter((m) => m.id !== self && (m.state === 'alive' || m.state === 'suspect'));
    const silent: Member[] = [];
    const work = [...peers];
    const worker = async (): Promise<void> => {
      for (let member = work.pop(); member !== undefined; member = work.pop())
        if (!(await this.#join(member, this.#path))) silent.push(member);
    };
    await Promise.all(Array.from({ length: Math.min(peers.length, API_LIMITS.askParallel) }, worker));
    this.#stopWatching = this.#backend.subscribe((event) => {
      const back = event.kind === 'member-alive' ? this.#backend.members().find(({ id }) => id === event.member.id) : undefined;
      if (back !== undefined && back.id !== self) void this.#join(back, withoutSince(this.#path));
    });
    return silent;
  }

  close(): void {
    this.#stopWatching();
  }

  /** Resolves when all have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#flowing.values());
  }

  async #join(member: Member, path: string): Promise<boolean> {
    if (this.#flowing.has(member.id)) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flowing.set(member.id, promise);
    const over = (): void => {
      this.#flowing.delete(member.id);
      resolve();
    };
    try {
      const { body, status } = await this.#backend.request(member.id, {
        method: 'GET',
        path: `/api${path}`,
        headers: { [SCOPE_HEADER]: 'node' },
        timeoutMs: API_LIMITS.askDeadlineMs,
        signal: this.#signal,
      });
      const close = (): void => void body.destroy();
      this.#signal.addEventListener('abort', close, { once: true });
      if (status !== 200 || this.#signal.aborted) close();
      void this.#forward(body)
        .catch(() => undefined)
        .finally(() => {
          this.#signal.removeEventListener('abort', close);
          over();
        });
      return status === 200;
    } catch {
      over();
      return false;
    }
  }

  async #forward(body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const message of jsonLines<EventMessage>(body)) if (!this.#push(message)) return;
  }
}

/** What a node did before it was lost was shown then. */
function withoutSince(path: string): string {
  const url = new URL(path, 'http://node');
  url.searchParams.delete('since');
  return `${url.pathname}${url.search}`;
}
