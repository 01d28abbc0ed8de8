import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server as TcpServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatIpv4, holds, parseIpv4 } from '../../lib/ipv4.ts';
import type { Channel } from './answer.ts';
import { DNS_LIMITS } from './limits.ts';
import { portHolder } from './port-holder.ts';
import type { DnsPlace } from './port.ts';
import { serveTcp } from './tcp-client.ts';

export interface ListenerOptions {
  readonly place: DnsPlace;
  readonly port: number;
  /** Undefined: nothing is said. Never rejects. */
  readonly answer: (bytes: Buffer, source: number, channel: Channel) => Promise<Buffer | undefined>;
  /** What is wrong with it now, in words; undefined: nothing any more. */
  readonly onProblem: (problem: string | undefined) => void;
}

/**
 * One gateway's port, over UDP and TCP. It is bound as soon as that goes: a bridge that was just made, or that
 * somebody removed, has no address yet, and what had the port may end. A socket stays bound while its address
 * is away, and works again when that is back.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #over = new AbortController();
  readonly #running: readonly Promise<void>[];
  readonly #problems = new Map<Channel, string>();
  readonly #clients = new Map<Socket, number>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#running = [this.#keep('udp', () => this.#serveUdp()), this.#keep('tcp', () => this.#serveTcp())];
  }

  async close(): Promise<void> {
    this.#over.abort();
    for (const client of this.#clients.keys()) client.destroy();
    await Promise.all(this.#running);
  }

  /** Serves until closed; after each failure again. */
  async #keep(channel: Channel, serve: () => Promise<NodeJS.ErrnoException | undefined>): Promise<void> {
    let waitMs: number = DNS_LIMITS.bindFirstMs;
    while (!this.#over.signal.aborted) {
      const error = await serve();
      if (error === undefined) return;
      // A bridge that was just asked for is there in a moment.
      if (error.code !== 'EADDRNOTAVAIL' || waitMs >= DNS_LIMITS.addressMs) this.#tell(channel, await this.#wordsFor(channel, error));
      await sleep(waitMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
      waitMs = Math.min(DNS_LIMITS.bindLastMs, waitMs * 2);
    }
  }

  /** Resolves to what ended it; undefined: it was closed. */
  #serveUdp(): Promise<NodeJS.ErrnoException | undefined> {
    const { place, port, answer } = this.#options;
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BYTES });
    socket.on('message', (bytes, { address, port: from }) => {
      const source = parseIpv4(address);
      if (source !== undefined && holds(place.subnet, source)) void reply(bytes, source, from, address);
    });
    const reply = async (bytes: Buffer, source: number, to: number, address: string): Promise<void> => {
      const said = await answer(bytes, source, 'udp');
      if (said !== undefined) sendTo(socket, said, to, address);
    };
    const ended = this.#until(socket);
    socket.bind({ address: formatIpv4(place.gateway), port, exclusive: true }, () => this.#tell('udp', undefined));
    return ended;
  }

  #serveTcp(): Promise<NodeJS.ErrnoException | undefined> {
    const { place, port, answer } = this.#options;
    const server = createServer((socket) => {
      const source = parseIpv4(socket.remoteAddress ?? '');
      if (source === undefined || !holds(place.subnet, source) || this.#isFull(source)) {
        socket.destroy();
        return;
      }
      this.#clients.set(socket, source);
      socket.on('close', () => this.#clients.delete(socket));
      serveTcp(socket, (bytes) => answer(bytes, source, 'tcp'));
    });
    const ended = this.#until(server);
    server.listen({ host: formatIpv4(place.gateway), port, exclusive: true }, () => this.#tell('tcp', undefined));
    return ended;
  }

  #isFull(source: number): boolean {
    if (this.#clients.size >= DNS_LIMITS.tcpConnections) return true;
    return [...this.#clients.values()].filter((other) => other === source).length >= DNS_LIMITS.tcpPerSource;
  }

  /** Closes it once it fails or is wanted no more. */
  #until(what: UdpSocket | TcpServer): Promise<NodeJS.ErrnoException | undefined> {
    return new Promise((resolve) => {
      const end = (error: NodeJS.ErrnoException | undefined): void => {
        this.#over.signal.removeEventListener('abort', onAbort);
        what.removeAllListeners('error');
        // Closing it may say once more that it never worked.
        what.on('error', () => undefined);
        closeQuietly(what, () => resolve(error));
      };
      const onAbort = (): void => end(undefined);
      what.on('error', end);
      this.#over.signal.addEventListener('abort', onAbort);
    });
  }

  async #wordsFor(channel: Channel, { code, message }: NodeJS.ErrnoException): Promise<string> {
    const { place, port } = this.#options;
    const where = `port ${port}/${channel} of ${formatIpv4(place.gateway)}`;
    if (code === 'EADDRNOTAVAIL') return `${where} can't be bound: no interface has the address`;
    if (code !== 'EADDRINUSE') return `${where} can't be bound: ${message}`;
    const holder = await portHolder(channel, port);
    return `${where} is taken by ${holder ?? 'another process'}: stop it, or let it listen on other addresses only`;
  }

  #tell(channel: Channel, problem: string | undefined): void {
    if (this.#over.signal.aborted) return;
    if (problem === undefined) this.#problems.delete(channel);
    else this.#problems.set(channel, problem);
    const all = [...this.#problems.values()];
    this.#options.onProblem(all.length === 0 ? undefined : all.join('; '));
  }
}

/** A burst of questions waits rather than being lost while the daemon does something else. */
const RECEIVE_BYTES = 1024 * 1024;

/** Where it was closed meanwhile, or the client's container is gone, there is nobody to tell. */
function sendTo(socket: UdpSocket, bytes: Buffer, port: number, address: string): void {
  try {
    socket.send(bytes, port, address, () => undefined);
  } catch {
    // ERR_SOCKET_DGRAM_NOT_RUNNING
  }
}

function closeQuietly(what: UdpSocket | TcpServer, then: () => void): void {
  try {
    what.close(then);
  } catch {
    // It never ran.
    then();
  }
}
