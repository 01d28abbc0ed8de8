import { randomInt } from 'node:crypto';
import { askOverTcp, askOverUdp, withId } from './exchange.ts';
import type { Query } from './exchange.ts';
import type { Channel } from './answer.ts';
import { DNS_LIMITS } from './limits.ts';
import { RCODE } from './question.ts';
import type { Question } from './question.ts';

export interface UpstreamOptions {
  readonly nowMs: () => number;
  /** 53. */
  readonly port: number;
  readonly timeoutMs: number;
}

/** Passes questions on to the servers that know the rest of the world. */
export class Upstream {
  readonly #options: UpstreamOptions;
  /** Servers that kept silent, and until when they are asked last. */
  readonly #shunned = new Map<string, number>();

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /**
   * The first answer that any of the servers has, under the question's own id; where all that answered failed,
   * the last failure. Undefined: none answered.
   */
  async ask(question: Question, servers: readonly string[], channel: Channel): Promise<Buffer | undefined> {
    let failure: Buffer | undefined;
    for (const server of this.#order(servers)) {
      const bytes = await this.#askOne(question, server, channel);
      if (bytes === undefined) {
        this.#shun(server);
        continue;
      }
      this.#shunned.delete(server);
      const answer = withId(bytes, question.id);
      if (!isFailure(bytes)) return answer;
      failure = answer;
    }
    return failure;
  }

  /** Over UDP first, since many servers near the edge know nothing else; what is cut off there, a client of TCP gets whole. */
  async #askOne(question: Question, server: string, channel: Channel): Promise<Buffer | undefined> {
    const { port, timeoutMs } = this.#options;
    const query = (): Query => ({ question, id: randomInt(0x1_0000), server, port, timeoutMs });
    const bytes = await askOverUdp(query());
    if (bytes === undefined || channel === 'udp' || !isTruncated(bytes)) return bytes;
    return (await askOverTcp(query())) ?? bytes;
  }

  #order(servers: readonly string[]): readonly string[] {
    const nowMs = this.#options.nowMs();
    const isShunned = (server: string): boolean => (this.#shunned.get(server) ?? 0) > nowMs;
    const [only, second] = servers;
    // One datagram may be lost.
    if (only !== undefined && second === undefined) return [only, only];
    return [...servers.filter((server) => !isShunned(server)), ...servers.filter(isShunned)].slice(0, DNS_LIMITS.upstreamTries);
  }

  #shun(server: string): void {
    this.#shunned.delete(server);
    this.#shunned.set(server, this.#options.nowMs() + DNS_LIMITS.shunMs);
    const oldest = this.#shunned.keys().next();
    if (this.#shunned.size > DNS_LIMITS.shunned && oldest.done !== true) this.#shunned.delete(oldest.value);
  }
}

const rcodeOf = (bytes: Buffer): number => (bytes[3] as number) & 0xf;
/** What another server may do better. */
const isFailure = (bytes: Buffer): boolean => rcodeOf(bytes) !== RCODE.noError && rcodeOf(bytes) !== RCODE.nameError;
const isTruncated = (bytes: Buffer): boolean => ((bytes[2] as number) & 0x02) !== 0;
