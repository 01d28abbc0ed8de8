import type { LabHost } from '../lab-host.ts';
import { type Answer, UnixClient } from '../unix-client.ts';

/** How a call ended, as far as its caller can know. */
export type Ended =
  | { readonly kind: 'done'; readonly body: string }
  /** Said so, with a reason. */
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }
  /** No answer, or one that says nothing about what became of it. */
  | { readonly kind: 'unsure'; readonly why: string }
  /** Nobody heard it. */
  | { readonly kind: 'unsent' };

/** Longer than any deadline of ours: a call that takes longer hangs. */
const HANGS_MS = 90_000;
const CONNECTIONS = 16;
/** What is told with a status of a server's failure, and was not done. */
const DEFINITE =
  /not found: it was removed|can't get an address|no node can take it|is in use by container|did not hand it over in time|port is already allocated/;

/** Calls of one daemon's API. */
export class Calls {
  readonly #client: UnixClient;
  readonly host: LabHost;

  constructor(host: LabHost) {
    this.host = host;
    this.#client = new UnixClient(host.socket, CONNECTIONS);
  }

  async call(method: string, path: string, body?: object): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), HANGS_MS)));
    try {
      const answer = await Promise.race([this.#client.call(method, path, body), late]);
      return answer === 'late' ? { kind: 'unsure', why: `HANGS: no answer within ${HANGS_MS / 1000} s` } : ended(answer);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ECONNREFUSED' || code === 'ENOENT' ? { kind: 'unsent' } : { kind: 'unsure', why: message };
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws Error where it was not done */
  async must<T>(method: string, path: string, body?: object): Promise<T> {
    const outcome = await this.call(method, path, body);
    if (outcome.kind !== 'done') throw new Error(`${method} ${path} at ${this.host.name}: ${JSON.stringify(outcome)}`);
    return (outcome.body === '' ? undefined : JSON.parse(outcome.body)) as T;
  }

  close(): void {
    this.#client.close();
  }
}

function ended({ status, body }: Answer): Ended {
  if (status < 400) return { kind: 'done', body };
  const why = messageOf(body);
  return status < 500 || DEFINITE.test(why) ? { kind: 'refused', status, why } : { kind: 'unsure', why: `${status} ${why}` };
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}
