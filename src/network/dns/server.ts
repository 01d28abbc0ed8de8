/**
 * Names for containers (DESIGN §9): a server on each network's gateway, whose address is the same on every host,
 * so that what a container asks never leaves its own host but for the name directory's word. Names of ours
 * are answered here, whether they are known or not, and never passed on; the rest goes to the servers that the
 * container or the host was given.
 *
 * That there is no such name is said only where everybody who may know has answered; else it is a failure
 * (SERVFAIL), by which a client tries again and believes nothing.
 *
 * Cost: a look-up is one round trip to the key's owner, asked at most once a second for a name; what is passed on
 * takes a socket for as long as its answer does.
 */
import type { NetworkId } from '../../core/model/index.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { addressAnswer, errorAnswer, headerAnswer, pointerAnswer } from './answer.ts';
import type { Channel } from './answer.ts';
import { DottedNames } from './dotted-names.ts';
import { HostServers } from './host-servers.ts';
import { KnownNames } from './known-names.ts';
import { DNS_LIMITS } from './limits.ts';
import { Listener } from './listener.ts';
import { meaningOf } from './meaning.ts';
import type { Asker, DnsNames, DnsPlace, DnsServer, Resolved } from './port.ts';
import { RCODE, readQuestion } from './question.ts';
import type { Question } from './question.ts';
import { Quota } from './quota.ts';
import { Upstream } from './upstream.ts';

export interface DnsServerOptions {
  readonly names: DnsNames;
  readonly log: (level: 'info' | 'warn', message: string) => void;
  /** 53 unless a test wants another. */
  readonly port?: number;
  /** Of the servers that questions are passed on to. */
  readonly upstreamPort?: number;
  readonly upstreamMs?: number;
  /** Where the host's own servers are named: /etc/resolv.conf. */
  readonly resolvConfPath?: string;
  /** Monotonic ms. */
  readonly nowMs?: () => number;
}

export function createDnsServer(options: DnsServerOptions): DnsServer {
  return new Server(options);
}

type Reversed = Awaited<ReturnType<DnsNames['reverse']>>;

const NOTHING_KNOWN: Resolved = { addresses: [], complete: false };

class Server implements DnsServer {
  readonly #names: DnsNames;
  readonly #log: DnsServerOptions['log'];
  readonly #port: number;
  readonly #listeners = new Map<string, { readonly place: DnsPlace; readonly listener: Listener }>();
  readonly #problems = new Map<string, string>();
  readonly #closing = new Set<Promise<void>>();
  readonly #quota: Quota;
  readonly #upstream: Upstream;
  readonly #hostServers: HostServers;
  readonly #resolved: KnownNames<Resolved>;
  readonly #reversed: KnownNames<Reversed>;
  readonly #dotted: DottedNames;

  constructor({ names, log, port = 53, upstreamPort = 53, upstreamMs, resolvConfPath, nowMs }: DnsServerOptions) {
    const now = nowMs ?? (() => performance.now());
    const keepMs = (isFound: boolean, isSure: boolean): number => (isFound ? DNS_LIMITS.knownMs : isSure ? DNS_LIMITS.missMs : 0);
    this.#names = names;
    this.#log = log;
    this.#port = port;
    this.#quota = new Quota(now);
    this.#upstream = new Upstream({ nowMs: now, port: upstreamPort, timeoutMs: upstreamMs ?? DNS_LIMITS.upstreamMs });
    this.#hostServers = new HostServers(resolvConfPath ?? '/etc/resolv.conf', now);
    this.#resolved = new KnownNames(now, ({ addresses, complete }) => keepMs(addresses.length > 0, complete));
    this.#dotted = new DottedNames((networks, name) => this.#resolve(networks, name), now);
    this.#reversed = new KnownNames(now, (found) => keepMs((found?.names.length ?? 0) > 0, found?.complete ?? true));
  }

  listen(places: readonly DnsPlace[]): void {
    const wanted = new Map(places.map((place) => [keyOf(place), place]));
    for (const [key, { listener }] of this.#listeners) {
      if (wanted.has(key)) continue;
      this.#listeners.delete(key);
      this.#problems.delete(key);
      const closed = listener.close();
      this.#closing.add(closed);
      void closed.then(() => this.#closing.delete(closed));
    }
    for (const [key, place] of wanted) {
      if (this.#listeners.has(key)) continue;
      const listener = new Listener({
        place,
        port: this.#port,
        answer: (bytes, source, channel) => this.#answer(bytes, { source, gateway: place.gateway }, channel),
        onProblem: (problem) => this.#told(key, place, problem),
      });
      this.#listeners.set(key, { place, listener });
    }
  }

  problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  forget(): void {
    this.#resolved.forget();
    this.#dotted.forget();
    this.#reversed.forget();
  }

  async close(): Promise<void> {
    this.listen([]);
    await Promise.all(this.#closing);
  }

  #told(key: string, { gateway }: DnsPlace, problem: string | undefined): void {
    const before = this.#problems.get(key);
    if (problem === before) return;
    if (problem === undefined) {
      this.#problems.delete(key);
      this.#log('info', `Names are answered on ${formatIpv4(gateway)} now`);
    } else {
      this.#problems.set(key, problem);
      // Of UDP and TCP the second is the same news.
      if (before === undefined) this.#log('warn', `Containers can't ask for names on ${formatIpv4(gateway)}: ${problem}`);
    }
  }

  /** Undefined: no word, as it is junk, or its client asks too much. Never rejects. */
  async #answer(bytes: Buffer, asker: Asker, channel: Channel): Promise<Buffer | undefined> {
    const read = readQuestion(bytes);
    if (read.kind === 'junk') return undefined;
    if (read.kind === 'bad') return headerAnswer(bytes, read.rcode);
    if (!this.#quota.begin(asker.source)) return undefined;
    try {
      return await this.#answerTo(read.question, asker, channel);
    } catch (error) {
      this.#log(
        'warn',
        `The question for ${read.question.name} was not answered: ${error instanceof Error ? error.message : String(error)}`,
      );
      return headerAnswer(bytes, RCODE.serverFailure);
    } finally {
      this.#quota.done(asker.source);
    }
  }

  async #answerTo(question: Question, asker: Asker, channel: Channel): Promise<Buffer> {
    const networks = this.#names.networksOf(asker);
    if (networks.length === 0) return errorAnswer(question, RCODE.refused);
    const name = this.#names.meant(asker, question.name);
    const meaning = meaningOf(name, networks);
    if (meaning.kind === 'foreign') return this.#dottedOrForeign(question, name, asker, channel);
    if (question.class !== 'IN' && question.class !== 'ANY') return errorAnswer(question, RCODE.refused);
    if (meaning.kind === 'container') {
      const { addresses, complete } = await this.#resolve(meaning.networks, meaning.name);
      if (addresses.length === 0) return errorAnswer(question, complete ? RCODE.nameError : RCODE.serverFailure);
      return addressAnswer(question, inTurn(addresses), channel);
    }
    const found = await this.#reverse(
      meaning.address,
      networks.map(({ id }) => id),
    );
    if (found === undefined) return this.#passOn(question, asker, channel);
    if (found.names.length === 0) return errorAnswer(question, found.complete ? RCODE.nameError : RCODE.serverFailure);
    return pointerAnswer(question, found.names, channel);
  }

  /** A container may be called as nobody in the world is, or in somebody's place; else it is the world's to say. */
  async #dottedOrForeign(question: Question, name: string, asker: Asker, channel: Channel): Promise<Buffer> {
    const networks = this.#names.networksOf(asker).map(({ id }) => id);
    const isName = name !== '' && question.class === 'IN' && !name.endsWith('.arpa');
    const found = isName ? await this.#dotted.find(networks, name) : undefined;
    if (found !== undefined && found.addresses.length > 0) return addressAnswer(question, inTurn(found.addresses), channel);
    const answer = await this.#passOn(question, asker, channel);
    // Nobody has ruled out that a container is called so.
    return found !== undefined && rcodeOf(answer) === RCODE.nameError ? errorAnswer(question, RCODE.serverFailure) : answer;
  }

  #resolve(networks: readonly NetworkId[], name: string): Promise<Resolved> {
    return this.#resolved.get(`${networks.join(' ')} ${name}`, () => inTime(this.#names.resolve(networks, name), NOTHING_KNOWN));
  }

  #reverse(address: number, networks: readonly NetworkId[]): Promise<Reversed> {
    const unknown = { names: [], complete: false };
    return this.#reversed.get(`${networks.join(' ')} ${address}`, () => inTime(this.#names.reverse(address, networks), unknown));
  }

  async #passOn(question: Question, asker: Asker, channel: Channel): Promise<Buffer> {
    const servers = this.#names.serversOf(asker) ?? (await this.#hostServers.get());
    const gateways = new Set(Array.from(this.#listeners.values(), ({ place }) => formatIpv4(place.gateway)));
    const others = servers.filter((server) => !gateways.has(server)).slice(0, DNS_LIMITS.servers);
    const answer = others.length === 0 ? undefined : await this.#upstream.ask(question, others, channel);
    return answer ?? errorAnswer(question, RCODE.serverFailure);
  }
}

const keyOf = ({ gateway, subnet }: DnsPlace): string => `${gateway} ${subnet.base}/${subnet.prefix}`;

const rcodeOf = (answer: Buffer): number => (answer[3] ?? 0) & 0x0f;

/** Each time another one first: clients take the first. */
function inTurn(addresses: readonly number[]): readonly number[] {
  const start = Math.floor(Math.random() * addresses.length);
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}

async function inTime<T>(promise: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), DNS_LIMITS.lookUpMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
