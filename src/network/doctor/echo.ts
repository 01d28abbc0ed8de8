import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as after } from 'node:timers/promises';

/** One is enough for one peer's questions; several may ask at once. */
const SOCKETS = 8;
const LIFE_MS = 5_000;
const DATAGRAMS = 64;

/**
 * UDP that comes back: bound to this host's inner address, for the peer that asked by its daemon and for a few
 * seconds, so that there is no port to abuse. What comes by it has come through VXLAN.
 */
export class EchoHost {
  readonly #sockets = new Set<Socket>();

  /** The port, or undefined: too many are asking. @param inner this host's address @param peer whose datagrams are sent back */
  async open(inner: string, peer: string): Promise<number | undefined> {
    if (this.#sockets.size >= SOCKETS) return undefined;
    const socket = udpSocket();
    this.#sockets.add(socket);
    const timer = setTimeout(() => this.#close(socket), LIFE_MS).unref();
    socket.on('close', () => clearTimeout(timer));
    let left = DATAGRAMS;
    socket.on('message', (data, { address, port }) => {
      if (address !== peer || left === 0) return;
      left -= 1;
      // What can't be sent is lost, as on any way.
      socket.send(data, port, address, () => undefined);
    });
    try {
      return await bind(socket, inner);
    } catch (error) {
      this.#close(socket);
      throw error;
    }
  }

  close(): void {
    for (const socket of this.#sockets) this.#close(socket);
  }

  #close(socket: Socket): void {
    if (this.#sockets.delete(socket)) socket.close();
  }
}

export interface EchoAsk {
  /** This host's inner address. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** Payloads. */
  readonly smallBytes: number;
  readonly largeBytes: number;
  /** How many of each. */
  readonly count: number;
  readonly timeoutMs: number;
}

/** How many of each size came back as they were sent. */
export async function askForEcho(ask: EchoAsk): Promise<{ readonly smallBack: number; readonly largeBack: number }> {
  const { from, to, port, smallBytes, largeBytes, count, timeoutMs } = ask;
  const socket = udpSocket();
  const back = { smallBack: 0, largeBack: 0 };
  const payloads = [smallBytes, largeBytes].map((bytes) => Buffer.alloc(bytes, 0xa5));
  const stop = new AbortController();
  try {
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data, { address }) => {
        if (address !== to) return;
        if (payloads[0]?.equals(data) === true) back.smallBack += 1;
        else if (payloads[1]?.equals(data) === true) back.largeBack += 1;
        if (back.smallBack >= count && back.largeBack >= count) resolve();
      });
    });
    await bind(socket, from);
    for (let sent = 0; sent < count; sent += 1) {
      for (const payload of payloads) socket.send(payload, port, to, () => undefined);
    }
    await Promise.race([all, after(timeoutMs, undefined, { signal: stop.signal }).catch(() => undefined)]);
    return back;
  } finally {
    stop.abort();
    socket.close();
  }
}

/** Addresses are addresses here: Node's own lookup would come back later, perhaps in another network namespace. */
function udpSocket(): Socket {
  return createSocket({ type: 'udp4', lookup: (host, _options, callback) => callback(null, host, 4) });
}

async function bind(socket: Socket, address: string): Promise<number> {
  const listening = once(socket, 'listening');
  socket.bind({ address, port: 0, exclusive: true });
  await listening;
  // Later errors are of single datagrams.
  socket.on('error', () => undefined);
  return socket.address().port;
}
