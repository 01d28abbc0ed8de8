import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import type { HostPort } from '../../core/model/index.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';

/** A port of this host that some process has. */
export class PortTaken extends Error {
  override name = 'PortTaken';
  readonly port: HostPort;
  constructor(port: HostPort, why: string) {
    super(why);
    this.port = port;
  }
}

/**
 * Keeps published ports by opening them: what is sent there never arrives here, as the kernel leads it to the
 * container before, but no process of the host can take the port meanwhile, and one that has it is found.
 */
export class PortReserver {
  readonly #open = new Map<string, Server | Socket>();

  /** All or none. @throws PortTaken */
  async reserve(ports: readonly HostPort[]): Promise<void> {
    const opened: HostPort[] = [];
    try {
      for (const port of ports) {
        const key = keyOf(port);
        if (this.#open.has(key)) throw new PortTaken(port, `${wordsOf(port)} is published by another container of this node`);
        // In the map at once: a second wish for it must not find it free while it is being opened.
        const socket = port.protocol === 'tcp' ? createServer() : createSocket('udp4');
        this.#open.set(key, socket);
        opened.push(port);
        await open(socket, port);
      }
    } catch (error) {
      this.release(opened);
      throw error;
    }
  }

  release(ports: readonly HostPort[]): void {
    for (const port of ports) {
      const key = keyOf(port);
      close(this.#open.get(key));
      this.#open.delete(key);
    }
  }

  has(port: HostPort): boolean {
    return this.#open.has(keyOf(port));
  }

  close(): void {
    for (const socket of this.#open.values()) close(socket);
    this.#open.clear();
  }
}

export const wordsOf = ({ ip, port, protocol }: HostPort): string => `${formatIpv4(ip)}:${port}/${protocol}`;

const keyOf = ({ ip, port, protocol }: HostPort): string => `${protocol} ${ip} ${port}`;

function open(socket: Server | Socket, port: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      reject(
        new PortTaken(
          port,
          error.code === 'EADDRNOTAVAIL'
            ? `${formatIpv4(port.ip)} is not an address of this host`
            : `${wordsOf(port)} cannot be opened: ${error.code === 'EADDRINUSE' ? 'a process of this host has it' : error.message}`,
        ),
      );
    socket.once('error', failed);
    const done = () => {
      socket.off('error', failed);
      // A stray connection or datagram, from before the kernel leads them away, is nobody's business.
      socket.on('error', () => undefined);
      socket.unref();
      resolve();
    };
    const address = formatIpv4(port.ip);
    if ('listen' in socket)
      socket.on('connection', (stray) => stray.destroy()).listen({ host: address, port: port.port, exclusive: true, backlog: 1 }, done);
    else socket.bind({ address, port: port.port, exclusive: true }, done);
  });
}

function close(socket: Server | Socket | undefined): void {
  try {
    socket?.close();
  } catch {
    // It never opened.
  }
}
