import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseIpv4 } from '../lib/ipv4.ts';
import type { KernelEvent } from './kernel-event.ts';
import { watchKernel } from './kernel-watch.ts';
import { checked, libc } from './libc.ts';
import { mountPointsBelow, unmount } from './mount.ts';
import { createNetns, inNetns } from './netns.ts';
import { applyRuleset, listTable, NftError } from './nft.ts';
import { addAddress } from './rtnetlink/addresses.ts';
import { addBridge, addVeth, changeLink } from './rtnetlink/links.ts';
import { addNeighbour } from './rtnetlink/neighbours.ts';
import { RouteSocket } from './rtnetlink/route-socket.ts';
import { blackhole } from './rtnetlink/routes.test-helper.ts';
import { addRoute, type Route } from './rtnetlink/routes.ts';
import { readSysctl, setSysctl } from './sysctl.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-watch-'));
  path = join(dir, 'ns');
  createNetns(path, () => undefined);
});
afterEach(async () => {
  for (const point of await mountPointsBelow(dir)) unmount(point);
  rmSync(dir, { recursive: true, force: true });
});

const ip = (text: string): number => parseIpv4(text) ?? 0;

/** Collects events, and waits for one. */
class Seen {
  readonly all: KernelEvent[] = [];
  #wake: () => void = () => undefined;

  readonly add = (event: KernelEvent): void => {
    this.all.push(event);
    this.#wake();
  };

  async until(wanted: (event: KernelEvent) => boolean): Promise<void> {
    while (!this.all.some(wanted)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

describe('watchKernel', () => {
  it('tells what changes, and who did it', async () => {
    const seen = new Seen();
    const watch = inNetns(path, () => watchKernel(['links', 'addresses', 'routes', 'neighbours', 'nftables'], seen.add));
    const socket = RouteSocket.openIn(path);
    try {
      socket.must([addVeth({ name: 'a', up: true }, { name: 'b' }), changeLink('b', { up: true })]);
      const a = socket.links().find(({ name }) => name === 'a')?.index ?? 0;
      const b = socket.links().find(({ name }) => name === 'b')?.index ?? 0;
      socket.must([addAddress({ index: a, address: ip('10.3.0.1'), prefix: 24, scope: 'global', noPrefixRoute: false })]);
      socket.must([addNeighbour(a, ip('10.3.0.2'), '02:00:00:00:00:01')]);
      socket.must([addBridge({ name: 'br', up: true }, { multicastSnooping: false })]);
      socket.must([changeLink(b, { master: socket.links().find(({ name }) => name === 'br')?.index ?? 0 }), changeLink(b, { master: 0 })]);
      await socket.deleteLinks([a]);
      await inNetns(path, () => applyRuleset('table ip one {\n}\ntable inet two {\n}\n'));
      await seen.until((event) => event.kind === 'nftables' && event.table === 'two');
      await seen.until((event) => event.kind === 'link' && event.gone && event.link.name === 'b');
      const [front = 0] = socket.ports;
      const of = (kind: string) => seen.all.filter((event) => event.kind === kind);
      expect(of('address')).toContainEqual(expect.objectContaining({ gone: false, port: front }));
      expect(of('neighbour')).toContainEqual({
        kind: 'neighbour',
        gone: false,
        port: front,
        neighbour: { index: a, address: ip('10.3.0.2'), mac: '02:00:00:00:00:01', permanent: true },
      });
      expect(of('bridge-port')).toContainEqual(expect.objectContaining({ gone: true, index: b }));
      expect(of('link')).toContainEqual(expect.objectContaining({ gone: true, port: 0, link: expect.objectContaining({ name: 'a' }) }));
      expect(of('route').length).toBeGreaterThan(0);
      expect(of('nftables')).toEqual([
        expect.objectContaining({ family: 'ip', table: 'one' }),
        expect.objectContaining({ family: 'inet', table: 'two' }),
      ]);
    } finally {
      watch.close();
      socket.close();
    }
  });

  it('says when it could not follow, and goes on', async () => {
    const seen = new Seen();
    const watch = inNetns(path, () => watchKernel(['routes'], seen.add));
    const socket = RouteSocket.openIn(path);
    try {
      overrun(socket);
      await seen.until(({ kind }) => kind === 'lost');
      const last = ip('10.200.0.1');
      socket.must([addRoute(hostRoute(last))]);
      await seen.until((event) => event.kind === 'route' && event.route.destination.base === last);
      expect(seen.all.filter(({ kind }) => kind === 'route').length).toBeLessThan(10_001);
    } finally {
      watch.close();
      socket.close();
    }
  });

  it('goes on also where just then there was no descriptor left', async () => {
    const seen = new Seen();
    const watch = inNetns(path, () => watchKernel(['routes'], seen.add));
    const socket = RouteSocket.openIn(path);
    try {
      overrun(socket);
      const before = limitDescriptors(3n);
      await pause(50);
      limitDescriptors(before);
      expect(seen.all.filter(({ kind }) => kind === 'lost')).toEqual([]);
      await seen.until(({ kind }) => kind === 'lost');
      const last = ip('10.200.0.1');
      socket.must([addRoute(hostRoute(last))]);
      await seen.until((event) => event.kind === 'route' && event.route.destination.base === last);
    } finally {
      watch.close();
      socket.close();
    }
  });

  it('says nothing after it was closed', async () => {
    const seen = new Seen();
    const other = new Seen();
    const closed = inNetns(path, () => watchKernel(['links'], seen.add));
    const open = inNetns(path, () => watchKernel(['links'], other.add));
    const socket = RouteSocket.openIn(path);
    try {
      socket.must([addBridge({ name: 'br', up: true }, { multicastSnooping: false })]);
      closed.close();
      closed.close();
      await other.until(({ kind }) => kind === 'link');
      expect(seen.all).toEqual([]);
    } finally {
      open.close();
      socket.close();
    }
  });
});

const RLIMIT_NOFILE = 7;
const prlimit = libc<(pid: number, resource: number, limit: Uint8Array | null, before: Uint8Array) => number>(
  'int prlimit(int pid, int resource, const uint8_t *limit, _Out_ uint8_t *before)',
);

/** No descriptor of this number or above can be made by this process from now on. Returns what was so before. */
function limitDescriptors(soft: bigint): bigint {
  const now = Buffer.alloc(16);
  checked(prlimit(0, RLIMIT_NOFILE, null, now), 'prlimit');
  const before = now.readBigUInt64LE();
  const wanted = Buffer.from(now);
  wanted.writeBigUInt64LE(soft);
  checked(prlimit(0, RLIMIT_NOFILE, wanted, now), 'prlimit');
  return before;
}

const hostRoute = (base: number): Route => blackhole({ base, prefix: 32 });

/** More than the buffer of who watches takes, before the event loop has a chance to read. */
function overrun(socket: RouteSocket): void {
  socket.must([changeLink('lo', { up: true })]);
  socket.must(Array.from({ length: 10_000 }, (_, n) => addRoute(hostRoute(ip('10.0.0.0') + n))));
}

describe('nft', () => {
  it('applies all or nothing, and lists', async () => {
    const here = <T>(body: () => T): T => inNetns(path, body);
    await here(() => applyRuleset('table ip t {\n chain c {\n ip saddr 10.0.0.1 counter drop\n }\n}\n'));
    expect(await here(() => listTable('ip', 't'))).toBe('table ip t {\n\tchain c {\n\t\tip saddr 10.0.0.1 counter drop\n\t}\n}\n');
    const bad = here(() => applyRuleset('flush table ip t\nadd rule ip t nosuch drop\n'));
    await expect(bad).rejects.toThrow(/^nft refused the rules: .*No such file or directory.*add rule ip t nosuch drop/s);
    expect(await here(() => listTable('ip', 't'))).toContain('10.0.0.1');
    expect(await here(() => listTable('inet', 't'))).toBeUndefined();
    await expect(here(() => applyRuleset(`${'x'.repeat(200_000)}\n`))).rejects.toThrow(NftError);
  });
});

describe('sysctl', () => {
  it('reads and writes those of the namespace it is in', () => {
    const before = readSysctl('ipv4/conf/lo/proxy_arp');
    inNetns(path, () => {
      expect(setSysctl('ipv4/conf/lo/proxy_arp', '1')).toBe(true);
      expect(setSysctl('ipv4/conf/lo/proxy_arp', '1')).toBe(false);
      expect(readSysctl('ipv4/conf/lo/proxy_arp')).toBe('1');
      expect(readSysctl('ipv4/conf/none/proxy_arp')).toBeUndefined();
      expect(() => setSysctl('ipv4/conf/none/proxy_arp', '1')).toThrow('ENOENT');
    });
    expect(readSysctl('ipv4/conf/lo/proxy_arp')).toBe(before);
  });
});
