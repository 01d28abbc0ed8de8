import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { type ContainerId, type HostPort, portsClash } from '../../core/model/index.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { listeningPorts } from './listening-ports.ts';

/** A port that can't be had on this host. */
export class PortTaken extends Error {
  override name = 'PortTaken';
  readonly port: HostPort;
  /** `elsewhere`: its address is not this host's. */
  readonly why: 'taken' | 'elsewhere';
  /** Of this node's; undefined: no container has it. */
  readonly by: ContainerId | undefined;
  constructor(port: HostPort, message: string, why: PortTaken['why'] = 'taken', by?: ContainerId) {
    super(message);
    this.port = port;
    this.why = why;
    this.by = by;
  }
}

/** A container's ports are kept while it runs here, and from the request to its removal where it was asked for here. */
export type Holder = 'task' | 'claim';

interface Kept {
  readonly port: HostPort;
  readonly container: ContainerId;
  readonly socket: Server | Socket;
  /** Whoever holds it knows only then that it can be had. */
  readonly opened: Promise<void>;
  isOpening: boolean;
  readonly holders: Set<Holder>;
}

/**
 * Keeps published ports by opening them: what is sent there never arrives here, as the kernel leads it to the
 * container before, but no process of the host can take the port meanwhile, and one that has it is found.
 */
export class PortReserver {
  readonly #isGateway: (ip: number) => boolean;
  readonly #freed: () => void;
  readonly #kept = new Map<string, Kept>();

  /**
   * @param isGateway our DNS server has port 53 there, which leaves it to containers on all other addresses of the host
   * @param freed ports can be had again
   */
  constructor(isGateway: (ip: number) => boolean, freed: () => void) {
    this.#isGateway = isGateway;
    this.#freed = freed;
  }

  /** All or none. What the container has already stays. @throws PortTaken */
  async reserve(container: ContainerId, holder: Holder, ports: readonly HostPort[]): Promise<void> {
    const added: HostPort[] = [];
    try {
      for (const port of ports) {
        const kept = this.#kept.get(keyOf(port));
        if (kept?.container === container) {
          if (!kept.holders.has(holder)) added.push(port);
          kept.holders.add(holder);
          await kept.opened;
          continue;
        }
        const rival = this.rivalOf(container, port);
        if (rival !== undefined) throw publishedBy(port, rival);
        const socket = port.protocol === 'tcp' ? createServer() : createSocket('udp4');
        // In the map at once: a second wish for it must not find it free while it is being opened.
        const opened = this.#open(socket, port);
        const keeping: Kept = { port, container, socket, opened, isOpening: true, holders: new Set([holder]) };
        this.#kept.set(keyOf(port), keeping);
        added.push(port);
        await opened.finally(() => (keeping.isOpening = false));
      }
    } catch (error) {
      this.release(container, holder, added);
      throw error;
    }
  }

  /** Gives back what the holder keeps for the container: these ports, or all. */
  release(container: ContainerId, holder: Holder, ports?: readonly HostPort[]): void {
    let isFreed = false;
    for (const kept of ports === undefined ? this.#kept.values() : ports.flatMap((port) => this.#kept.get(keyOf(port)) ?? [])) {
      if (kept.container !== container || !kept.holders.delete(holder) || kept.holders.size > 0) continue;
      close(kept);
      this.#kept.delete(keyOf(kept.port));
      isFreed = true;
    }
    if (isFreed) this.#freed();
  }

  /** Other containers that have any of these. */
  rivalsOf(container: ContainerId, ports: readonly HostPort[]): ReadonlySet<ContainerId> {
    return new Set(ports.flatMap((port) => this.rivalOf(container, port) ?? []));
  }

  /** Whether a task of the container has ports here. */
  isTask(container: ContainerId): boolean {
    return this.#kept.values().some((kept) => kept.container === container && kept.holders.has('task'));
  }

  /** Whether the container itself has this port, or one that can't be had beside it. */
  has(container: ContainerId, port: HostPort): boolean {
    return this.#kept.values().some((kept) => kept.container === container && portsClash(kept.port, port));
  }

  /** Another container that has this port. */
  rivalOf(container: ContainerId, port: HostPort): ContainerId | undefined {
    for (const kept of this.#kept.values()) {
      if (kept.container !== container && portsClash(kept.port, port)) return kept.container;
    }
    return undefined;
  }

  all(): readonly (HostPort & { readonly container: ContainerId })[] {
    return [...this.#kept.values()].map(({ port, container }) => ({ ...port, container }));
  }

  /** Where only we ourselves stand in the way it is kept without being open. */
  async #open(socket: Server | Socket, port: HostPort): Promise<void> {
    try {
      await open(socket, port);
    } catch (error) {
      const clashing = (await listeningPorts()).filter((other) => portsClash(other, port));
      if (clashing.length === 0 || !clashing.every(({ ip }) => this.#isGateway(ip))) throw error;
    }
  }

  close(): void {
    for (const kept of this.#kept.values()) close(kept);
    this.#kept.clear();
  }
}

export const publishedBy = (port: HostPort, rival: ContainerId): PortTaken =>
  new PortTaken(port, `${wordsOf(port)} is published by container ${rival.slice(0, 12)} already`, 'taken', rival);

export const wordsOf = ({ ip, port, protocol }: HostPort): string => `${formatIpv4(ip)}:${port}/${protocol}`;

const keyOf = ({ ip, port, protocol }: HostPort): string => `${protocol} ${ip} ${port}`;

function open(socket: Server | Socket, port: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      reject(new PortTaken(port, reasonOf(error, port), error.code === 'EADDRNOTAVAIL' ? 'elsewhere' : 'taken'));
    socket.once('error', failed);
    const done = () => {
      socket.off('error', failed);
      // A stray connection or datagram, from before the kernel leads them away, is nobody's business.
      socket.on('error', () => undefined);
      socket.unref();
      resolve();
    };
    const address = formatIpv4(port.ip);
    if ('listen' in socket) {
      socket.on('connection', (stray) => stray.destroy());
      socket.listen({ host: address, port: port.port, exclusive: true, backlog: 1 }, done);
    } else socket.bind({ address, port: port.port, exclusive: true }, done);
  });
}

function reasonOf(error: NodeJS.ErrnoException, port: HostPort): string {
  if (error.code === 'EADDRNOTAVAIL') return `${formatIpv4(port.ip)} is not an address of this host`;
  return `${wordsOf(port)} cannot be opened: ${error.code === 'EADDRINUSE' ? 'a process of this host has it' : error.message}`;
}

/** One that is being opened would open all the same, or never say that it did not: it is closed when it has. */
function close({ socket, opened, isOpening }: Kept): void {
  const now = (): void => {
    try {
      socket.close();
    } catch {
      // It never opened.
    }
  };
  if (isOpening) void opened.then(now, now);
  else now();
}
