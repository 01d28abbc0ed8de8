import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { checked, libc } from './libc.ts';
import { decodeKernelEvents, type KernelEvent } from './kernel-event.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from './netlink-socket.ts';
import { streamOverFd } from './stream-over-fd.ts';

export type WatchGroup = 'links' | 'addresses' | 'routes' | 'neighbours' | 'settings' | 'ipv6' | 'nftables';

/** Multicast groups: enum rtnetlink_groups, and enum nfnetlink_groups of linux/netfilter/nfnetlink.h. */
const GROUPS: Record<WatchGroup, { readonly protocol: number; readonly group: number }> = {
  links: { protocol: NETLINK_ROUTE, group: 1 },
  neighbours: { protocol: NETLINK_ROUTE, group: 3 },
  addresses: { protocol: NETLINK_ROUTE, group: 5 },
  routes: { protocol: NETLINK_ROUTE, group: 7 },
  settings: { protocol: NETLINK_ROUTE, group: 24 },
  ipv6: { protocol: NETLINK_ROUTE, group: 9 },
  nftables: { protocol: NETLINK_NETFILTER, group: 7 },
};

/** Between two tries to read on. */
const AGAIN_MS = 500;

const dup = libc<(fd: number) => number>('int dup(int fd)');

/**
 * Tells what happens to network objects in the calling thread's network namespace, by whomever, until `close`. libuv
 * polls the sockets with all others, so that idle it costs nothing. Where news came faster than we read, the kernel
 * drops some and says so: then `lost` comes, and everything may have changed. @throws SystemError
 */
export function watchKernel(groups: readonly WatchGroup[], onEvent: (event: KernelEvent) => void): { close(): void } {
  const watches: Watch[] = [];
  try {
    for (const protocol of [NETLINK_ROUTE, NETLINK_NETFILTER]) {
      const numbers = groups.map((name) => GROUPS[name]).filter((each) => each.protocol === protocol);
      if (numbers.length > 0)
        watches.push(
          new Watch(
            protocol,
            numbers.map((each) => each.group),
            onEvent,
          ),
        );
    }
  } catch (error) {
    for (const watch of watches) watch.close();
    throw error;
  }
  return {
    close: () => {
      for (const watch of watches) watch.close();
    },
  };
}

class Watch {
  readonly #protocol: number;
  readonly #socket: NetlinkSocket;
  readonly #onEvent: (event: KernelEvent) => void;
  #stream: Socket | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(protocol: number, groups: readonly number[], onEvent: (event: KernelEvent) => void) {
    this.#protocol = protocol;
    this.#onEvent = onEvent;
    this.#socket = new NetlinkSocket(protocol);
    try {
      for (const group of groups) this.#socket.join(group);
      this.#read();
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  close(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    clearTimeout(this.#again);
    stream.destroy();
    this.#socket.close();
  }

  /** A stream ends with its first error, and closes what it was given: it gets a duplicate, the socket itself goes on. */
  #read(): void {
    const fd = checked(dup(this.#socket.fd), 'dup', this.#socket.fd);
    let stream: Socket;
    try {
      stream = streamOverFd(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#stream = stream;
    stream.on('data', (datagram: Buffer) => {
      for (const event of decodeKernelEvents(this.#protocol, datagram)) if (this.#stream !== undefined) this.#onEvent(event);
    });
    // ENOBUFS, in all likelihood. Whatever it was, news may be missing.
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (this.#stream === stream) this.#goOn();
    });
  }

  /** Where there is no descriptor left, or no memory, once there is: until then nothing is told. */
  #goOn(): void {
    try {
      this.#socket.drain();
      this.#read();
    } catch {
      this.#again = setTimeout(() => this.#goOn(), AGAIN_MS).unref();
      return;
    }
    this.#onEvent({ kind: 'lost' });
  }
}
