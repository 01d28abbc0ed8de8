import { setTimeout } from 'node:timers/promises';
import { NetworkRefused, PortRefused } from '../../api/network-service.ts';
import { type ContainerId, type HostPort, LIMITS, type NodeId, portsClash } from '../../core/model/index.ts';
import { parseIpv4 } from '../../lib/ipv4.ts';
import type { Store } from '../../store/port.ts';
import type { Log } from '../log.ts';
import { type PortReserver, PortTaken, publishedBy } from './port-reserver.ts';
import type { TaskPort } from './task-network.ts';

/** Ports of this host that containers have because they were asked for here, wherever they run. */
interface Claim {
  /** Those that were named. */
  readonly ports: readonly HostPort[];
  /** Who runs it; undefined: it is being placed. */
  readonly node: NodeId | undefined;
  /** Where they lead while it runs. */
  readonly served: readonly TaskPort[];
  /** They are another container's, and become this one's when it starts and that one runs no more. */
  readonly isWaiting?: true;
}

type Book = Readonly<Record<ContainerId, Claim>>;

const DOCUMENT = 'port-claims';
const END_TRIES = 10;
const END_AGAIN_MS = 50;

/**
 * The asked node's side of published ports (DESIGN §9): it keeps them from the request to the container's
 * removal, and leads them to wherever the container runs, as the node that runs it says.
 */
export class PortClaims {
  readonly #store: Store;
  readonly #reserver: PortReserver;
  readonly #nowMs: () => number;
  readonly #log: Log;
  #book: Book;
  /** When this run of the daemon came to each: the host's clock may be set meanwhile. */
  readonly #sinceMs = new Map<ContainerId, number>();
  /** Those that were started here, until they are heard to have ended: what leads to them may not be known yet. */
  readonly #started = new Set<ContainerId>();
  /** What an earlier run of the daemon claimed: who was placing these then is not any more. */
  readonly #inherited = new Set<ContainerId>();

  constructor(store: Store, reserver: PortReserver, nowMs: () => number, log: Log) {
    this.#store = store;
    this.#reserver = reserver;
    this.#nowMs = nowMs;
    this.#log = log;
    this.#book = (store.document(DOCUMENT) as Book | undefined) ?? {};
    for (const [id] of this.#entries()) {
      this.#sinceMs.set(id, nowMs());
      this.#inherited.add(id);
    }
  }

  /** Opens again what an earlier run of the daemon kept. */
  async start(): Promise<void> {
    const all = this.#entries().flatMap(([id, claim]) =>
      [...(claim.isWaiting === true ? [] : claim.ports), ...claim.served].map((port) => ({ id, port })),
    );
    for (const { id, port } of all) {
      await this.#reserver.reserve(id, 'claim', [hostPort(port)]).catch((error: unknown) => {
        // Whoever has it got it while we were down. The kernel leads what comes from outside to the container all the same.
        this.#log('warn', 'a published port was taken meanwhile', { container: id, error: String(error) });
      });
    }
  }

  /** @throws NetworkRefused conflict, with nothing kept */
  async claim(container: ContainerId, ports: readonly HostPort[]): Promise<void> {
    this.#checkRoom();
    for (const [id, claim] of this.#entries()) {
      const port = id === container ? undefined : ports.find((each) => claim.ports.some((other) => portsClash(each, other)));
      if (port !== undefined) throw refusedPort(publishedBy(port, id));
    }
    await this.#reserve(container, ports);
    this.#enter(container, { ports, node: undefined, served: [] });
  }

  /**
   * As Docker, where two containers may have the same ports as long as one of them runs: they are taken when it starts.
   * @throws NetworkRefused
   */
  claimLater(container: ContainerId, ports: readonly HostPort[]): void {
    this.#checkRoom();
    this.#enter(container, { ports, node: undefined, served: [], isWaiting: true });
  }

  /**
   * It is to be started: what waited for its ports has them from now on, and who had them and runs no more waits.
   * @throws NetworkRefused conflict, where that one runs
   */
  async starting(container: ContainerId): Promise<void> {
    const claim = this.#book[container];
    if (claim?.isWaiting === true) await this.#take(container, claim.ports);
    const taken = this.#book[container];
    if (taken === undefined) return this.#reserver.release(container, 'claim');
    const { isWaiting: _over, ...rest } = taken;
    if (taken.isWaiting === true) this.#note({ ...this.#book, [container]: rest });
    this.#started.add(container);
  }

  /** Its task is over: who waits for its ports may have them. */
  ended(container: ContainerId): void {
    this.#started.delete(container);
  }

  release(container: ContainerId): void {
    if (!Object.hasOwn(this.#book, container)) return;
    this.#reserver.release(container, 'claim');
    this.#sinceMs.delete(container);
    this.#started.delete(container);
    this.#inherited.delete(container);
    const { [container]: _gone, ...rest } = this.#book;
    this.#note(rest);
  }

  /**
   * The node that runs it says where its ports lead now; none: it has ended. Of one container one after the other.
   * Returns those that are served here.
   */
  async serve(container: ContainerId, node: NodeId, ports: readonly TaskPort[]): Promise<readonly TaskPort[]> {
    const before = this.#book[container];
    if (ports.length === 0) this.#started.delete(container);
    if (before === undefined && (ports.length === 0 || this.#sinceMs.size >= LIMITS.containers)) return [];
    const served: TaskPort[] = [];
    for (const port of ports) {
      const kept = await this.#reserver.reserve(container, 'claim', [hostPort(port)]).then(
        () => true,
        (error: unknown) => {
          this.#log('info', 'a published port is not served here', { container, error: String(error) });
          return false;
        },
      );
      if (kept) served.push(port);
    }
    const claim = this.#book[container] ?? { ports: [], node, served: [] };
    const isReleased = before !== undefined && this.#book[container] === undefined;
    // One that waits again has no port that does not lead to it.
    const named = claim.isWaiting === true ? [] : claim.ports;
    const isNeeded = (port: HostPort) => !isReleased && [...named, ...served].some((each) => isSame(each, port));
    // Given back are those that a task before had drawn, and all where the container was removed meanwhile.
    const over = [...(before?.served ?? []), ...served].filter((port) => !isNeeded(port));
    this.#reserver.release(container, 'claim', over);
    if (isReleased) return [];
    if (!this.#sinceMs.has(container)) this.#sinceMs.set(container, this.#nowMs());
    this.#note({ ...this.#book, [container]: { ...claim, node, served } });
    return served;
  }

  /** It was placed: from now on that node alone speaks for it. */
  placed(container: ContainerId, node: NodeId): void {
    const claim = this.#book[container];
    if (claim !== undefined && claim.node !== node) this.#note({ ...this.#book, [container]: { ...claim, node } });
  }

  mayServe(container: ContainerId, node: NodeId): boolean {
    const known = this.#book[container]?.node;
    return known === undefined || known === node;
  }

  /** What leads elsewhere: ports whose container another node runs. */
  served(self: NodeId): readonly { readonly container: ContainerId; readonly ports: readonly TaskPort[] }[] {
    return this.#entries().flatMap(([container, { node, served }]) => (node === self ? [] : [{ container, ports: served }]));
  }

  servedOf(container: ContainerId): readonly TaskPort[] {
    return this.#book[container]?.served ?? [];
  }

  /** Claims to be looked after: nobody may have told us of their end. One that is being placed here now is given longer. */
  olderThan(ms: number, placingMs: number): readonly { readonly container: ContainerId; readonly node: NodeId | undefined }[] {
    const nowMs = this.#nowMs();
    return this.#entries().flatMap(([container, { node }]) => {
      const isBeingPlaced = node === undefined && !this.#inherited.has(container);
      const ageMs = nowMs - (this.#sinceMs.get(container) ?? 0);
      return ageMs > (isBeingPlaced ? placingMs : ms) ? [{ container, node }] : [];
    });
  }

  #entries(): readonly [ContainerId, Claim][] {
    return Object.entries(this.#book) as [ContainerId, Claim][];
  }

  /** Word of an end may be on its way. @throws NetworkRefused conflict */
  async #take(container: ContainerId, ports: readonly HostPort[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      for (const rival of this.#reserver.rivalsOf(container, ports)) this.#yield(rival);
      try {
        return await this.#reserve(container, ports);
      } catch (error) {
        if (!(error instanceof PortRefused) || error.by === undefined || tries === END_TRIES) throw error;
      }
      await setTimeout(END_AGAIN_MS);
    }
  }

  /** What runs, or is being started or placed, yields nothing. */
  #yield(container: ContainerId): void {
    const claim = this.#book[container];
    if (claim === undefined || claim.node === undefined || claim.served.length > 0) return;
    if (this.#started.has(container) || this.#reserver.isTask(container)) return;
    this.#reserver.release(container, 'claim');
    this.#note({ ...this.#book, [container]: { ...claim, isWaiting: true } });
  }

  #checkRoom(): void {
    if (Object.keys(this.#book).length < LIMITS.containers) return;
    throw new NetworkRefused('conflict', `this node keeps the ports of ${LIMITS.containers} containers already: ask another node`);
  }

  #enter(container: ContainerId, claim: Claim): void {
    try {
      this.#write({ ...this.#book, [container]: claim });
      this.#sinceMs.set(container, this.#nowMs());
    } catch (error) {
      this.#reserver.release(container, 'claim');
      throw new NetworkRefused('failed', `this node could not write its state: ${(error as Error).message}`);
    }
  }

  async #reserve(container: ContainerId, ports: readonly HostPort[]): Promise<void> {
    try {
      await this.#reserver.reserve(container, 'claim', ports);
    } catch (error) {
      if (error instanceof PortTaken) throw refusedPort(error);
      throw error;
    }
  }

  /** What a disk that takes nothing does not learn is told again, or found by the sweep. */
  #note(book: Book): void {
    try {
      this.#write(book);
    } catch (error) {
      this.#book = book;
      this.#log('warn', 'what is kept of published ports could not be written', { error: String(error) });
    }
  }

  #write(book: Book): void {
    this.#store.putDocument(DOCUMENT, book);
    this.#book = book;
  }
}

const hostPort = ({ protocol, ip, port }: HostPort): HostPort => ({ protocol, ip, port });
const isSame = (a: HostPort, b: HostPort): boolean => a.protocol === b.protocol && a.ip === b.ip && a.port === b.port;

/** Docker's words first: scripts look for them. */
export function refusedPort({ port, message, why, by }: PortTaken): NetworkRefused {
  if (why === 'elsewhere')
    return new NetworkRefused(
      'invalid',
      `cannot publish port ${port.port} there: ${message}. Leave the address out, or ask the node that has it.`,
    );
  return new PortRefused(
    `port is already allocated on this node: ${message}. Publish another than ${port.port}, or ask another node.`,
    port,
    by,
  );
}

/** The host's side of a wish; '' and 0.0.0.0 are every address. @throws NetworkRefused invalid */
export function hostPortOf(wish: { readonly protocol: 'tcp' | 'udp'; readonly hostIp: string; readonly hostPort: number }): HostPort {
  const ip = wish.hostIp === '' ? 0 : parseIpv4(wish.hostIp);
  if (ip === undefined)
    throw new NetworkRefused('invalid', `invalid host address ${JSON.stringify(wish.hostIp)} of a published port: write an IPv4 address`);
  return { protocol: wish.protocol, ip, port: wish.hostPort };
}
