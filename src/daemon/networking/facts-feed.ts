import { type AgreedNetwork, type ContainerId, DEFAULT_NETWORK, type HostFacts, type HostPort } from '../../core/model/index.ts';
import { type Cidr, formatCidr, overlaps } from '../../lib/ipv4.ts';
import type { Log } from '../log.ts';
import { listeningPorts, socketCounts } from './listening-ports.ts';

/** A route of the host that is not this node's. */
export interface ForeignRoute {
  readonly block: Cidr;
  /** `10.0.0.0/8 (eth0)` */
  readonly words: string;
}

export interface FactsFeedParts {
  readonly networks: () => readonly AgreedNetwork[];
  readonly foreignRoutes: () => readonly ForeignRoute[];
  /** Ports that this node keeps by itself: for containers that run here, which the core knows, and for those it was asked for. */
  keptPorts(): readonly (HostPort & { readonly container: ContainerId; readonly name: string })[];
  readonly tell: (facts: HostFacts) => void;
  readonly log: Log;
}

/** Processes open ports whenever they like; a container that meets one is refused at its start all the same. */
const LOOK_EVERY_MS = 5_000;
/** To find who listens the kernel goes through all places for TCP connections: a sixth of an idle daemon's time, if at each look. */
const LOOKS_A_LIST = 6;

/** Tells the core what this host can't give: ports that others have, networks that its routes overlap. */
export class FactsFeed {
  readonly #parts: FactsFeedParts;
  #told = '';
  #closed: ReadonlyMap<number, string> = new Map();
  #listening: { readonly counts: string; readonly ports: readonly HostPort[]; looks: number } | undefined;
  #isClosed = false;
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FactsFeedParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Why this host can't take part in the network of this VNI, by the last look. */
  closed(vni: number): string | undefined {
    return this.#closed.get(vni);
  }

  /** Those of this host that its routes overlap, now. */
  closedNetworks(): HostFacts['closedNetworks'] {
    const routes = this.#parts.foreignRoutes();
    return this.#parts.networks().flatMap(({ vni, name, subnet }) => {
      const clash = routes.find(({ block }) => overlaps(block, subnet));
      if (clash === undefined) return [];
      const what = name === DEFAULT_NETWORK ? 'the default network' : `network ${name}`;
      return [{ vni, why: `its route ${clash.words} overlaps ${what} (${formatCidr(subnet)})` }];
    });
  }

  /** Never rejects. One after the other: what was read before must not be told after what was read later. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  /** Said before whoever waits for it hears that a port is free, and may ask for it again. */
  keptChanged(): void {
    if (this.#listening !== undefined) this.#tell(this.#listening.ports);
  }

  async #look(): Promise<void> {
    try {
      this.#tell(await this.#list());
    } catch (error) {
      this.#parts.log('warn', 'what this host has taken could not be read', { error: String(error) });
    }
  }

  #tell(listening: readonly HostPort[]): void {
    if (this.#isClosed) return;
    const facts = { busyPorts: this.#busyPorts(listening), closedNetworks: this.closedNetworks() };
    this.#closed = new Map(facts.closedNetworks.map(({ vni, why }) => [vni, why]));
    const text = JSON.stringify(facts);
    if (text === this.#told) return;
    this.#told = text;
    this.#parts.tell(facts);
  }

  async #list(): Promise<readonly HostPort[]> {
    const counts = await socketCounts();
    const last = this.#listening;
    if (last !== undefined && last.counts === counts && ++last.looks < LOOKS_A_LIST) return last.ports;
    const before = this.#parts.keptPorts();
    const all = await listeningPorts();
    // Our own sockets are no process's, also when they are closed by the time that this list is used.
    const ours = [...before, ...this.#parts.keptPorts()];
    const ports = all.filter((port) => !ours.some((each) => isSame(each, port)));
    this.#listening = { counts, ports, looks: 0 };
    return ports;
  }

  #busyPorts(listening: readonly HostPort[]): HostFacts['busyPorts'] {
    const kept = this.#parts.keptPorts();
    const isKept = (port: HostPort) => kept.some((each) => isSame(each, port));
    return [
      ...kept.map(({ protocol, ip, port, container, name }) => ({ protocol, ip, port, owner: container, by: name })),
      ...listening.filter((port) => !isKept(port)).map((port) => ({ ...port, owner: undefined, by: 'a process of the host' })),
    ];
  }
}

const isSame = (a: HostPort, b: HostPort): boolean => a.protocol === b.protocol && a.port === b.port && a.ip === b.ip;
