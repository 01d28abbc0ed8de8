import type { Socket } from 'node:dgram';
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatIpv4 } from '../../../src/lib/ipv4.ts';
import { RouteSocket } from '../../../src/linux/rtnetlink/route-socket.ts';
import type { Whom } from './packet.ts';
import { PROBE_PORT } from './packet.ts';
import { socketIn } from './socket-in.ts';

export interface ProbedHost {
  readonly name: string;
  readonly netns: string;
  readonly runDir: string;
}

/** An attachment that is there now, with a socket in it. */
export interface Endpoint extends Whom {
  /** The host's end. */
  readonly port: string;
  readonly inode: number;
  readonly sinceMs: number;
  readonly socket: Socket;
}

export interface TableEvents {
  message(endpoint: Endpoint, bytes: Buffer, source: { readonly address: string; readonly port: number }): void;
  appeared(endpoint: Endpoint): void;
  gone(endpoint: Endpoint): void;
  /** Two have one address of one network, both there at the same time. */
  twoOwners(one: Endpoint, other: Endpoint): void;
}

interface Seen extends Whom {
  readonly port: string;
  /** Of the namespace: the same container has another after each start, while the kernel still tears down the one before. */
  readonly inode: number;
}

const NSFS_MAGIC = 0x6e736673;
const STORY = / container ([0-9a-f]{64}) network ([0-9a-f]{64}) address ([\d.]+) /;

/**
 * Who has which address of which network, read from the hosts' kernels and not from any daemon: the ports that hang
 * on their bridges, and the namespaces that containers live in.
 */
export class EndpointTable {
  readonly #hosts: readonly { readonly host: ProbedHost; readonly netlink: RouteSocket }[];
  readonly #events: TableEvents;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(hosts: readonly ProbedHost[], events: TableEvents) {
    this.#hosts = hosts.map((host) => ({ host, netlink: RouteSocket.openIn(`/run/netns/${host.netns}`) }));
    this.#events = events;
  }

  all(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Looks at every host's kernel. */
  sweep(): void {
    const seen = new Map<string, Seen>();
    for (const { host, netlink } of this.#hosts) for (const each of look(host, netlink)) seen.set(keyOf(each), each);
    for (const [key, endpoint] of this.#endpoints) if (!seen.has(key)) this.#drop(key, endpoint);
    for (const [key, each] of seen) if (!this.#endpoints.has(key)) this.#open(key, each);
    this.#checkOwners();
  }

  close(): void {
    for (const { socket } of this.#endpoints.values()) socket.close();
    for (const { netlink } of this.#hosts) netlink.close();
  }

  #open(key: string, each: Seen): void {
    const path = this.#pathOf(each);
    let socket: Socket;
    try {
      socket = socketIn(path, each.address, PROBE_PORT);
    } catch {
      // It has just gone.
      return;
    }
    const endpoint: Endpoint = { ...each, sinceMs: performance.now(), socket };
    // Not plugged in wholly yet, or not any more: the next sweep tells.
    socket.on('error', () => {
      if (this.#endpoints.get(key) === endpoint) this.#drop(key, endpoint);
    });
    socket.on('message', (bytes, source) => this.#events.message(endpoint, bytes, source));
    this.#endpoints.set(key, endpoint);
    this.#events.appeared(endpoint);
  }

  #drop(key: string, endpoint: Endpoint): void {
    this.#endpoints.delete(key);
    try {
      endpoint.socket.close();
    } catch {
      // It was never bound.
    }
    this.#events.gone(endpoint);
  }

  #checkOwners(): void {
    const owners = new Map<string, Endpoint>();
    for (const endpoint of this.#endpoints.values()) {
      const key = `${endpoint.network} ${endpoint.address}`;
      const other = owners.get(key);
      // One host is looked at after the other: who is seen later again was there with the other.
      if (other !== undefined && this.isThere(endpoint) && this.isThere(other) && this.isThere(endpoint))
        this.#events.twoOwners(other, endpoint);
      owners.set(key, endpoint);
    }
  }

  /** Whether the kernel has it at this moment. */
  isThere(endpoint: Endpoint): boolean {
    const at = this.#hosts.find(({ host }) => host.name === endpoint.host);
    const key = keyOf(endpoint);
    if (at === undefined || this.#endpoints.get(key) !== endpoint || !look(at.host, at.netlink).some((each) => keyOf(each) === key))
      return false;
    // A port may be of the container's last task, whose namespace the kernel still tears down.
    return addressesIn(this.#pathOf(endpoint)).includes(endpoint.address);
  }

  #pathOf({ host, container }: Whom): string {
    const runDir = this.#hosts.find((each) => each.host.name === host)?.host.runDir ?? '';
    return namespaceOf(runDir, container);
  }
}

const keyOf = ({ host, inode, container, network, address }: Seen): string => [host, inode, container, network, address].join(' ');
const namespaceOf = (runDir: string, container: string): string => join(runDir, 'netns', container);

/** A namespace that is not mounted any more is on its way out of the kernel, with its interfaces. */
function look({ name: host, runDir }: ProbedHost, netlink: RouteSocket): readonly Seen[] {
  return netlink.links().flatMap(({ kind, name: port, alias, master }) => {
    const [, container, network, address] = kind === 'veth' ? (STORY.exec(alias) ?? []) : [];
    if (container === undefined || network === undefined || address === undefined || master === 0) return [];
    const inode = mountedAt(namespaceOf(runDir, container));
    return inode === undefined ? [] : [{ host, port, inode, container, network, address }];
  });
}

function addressesIn(path: string): readonly string[] {
  try {
    const netlink = RouteSocket.openIn(path);
    try {
      return netlink.addresses().map(({ address }) => formatIpv4(address));
    } finally {
      netlink.close();
    }
  } catch {
    // It has just gone.
    return [];
  }
}

/** The namespace's inode. undefined: none is mounted there. */
function mountedAt(path: string): number | undefined {
  try {
    return statfsSync(path).type === NSFS_MAGIC ? statSync(path).ino : undefined;
  } catch {
    return undefined;
  }
}
