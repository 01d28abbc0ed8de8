import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { mountPointsBelow, unmount } from '../mount.ts';
import { createNetns } from '../netns.ts';
import { addAddress, deleteAddress } from './addresses.ts';
import { changeBridgePort } from './bridge.ts';
import type { Link } from './link.ts';
import { addBridge, addVeth, addVxlan, changeLink, deleteLink } from './links.ts';
import { addFdbEntry, addNeighbour, deleteFdbEntry, deleteNeighbour } from './neighbours.ts';
import { RouteSocket } from './route-socket.ts';
import { blackhole } from './routes.test-helper.ts';
import { addRoute, deleteRoute, MAIN_TABLE, OUR_PROTOCOL, replaceRoute, type Route } from './routes.ts';

let dir: string;
let socket: RouteSocket;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-rtnetlink-'));
  createNetns(join(dir, 'a'), () => {
    socket = RouteSocket.open();
  });
});
afterEach(async () => {
  socket.close();
  for (const point of await mountPointsBelow(dir)) unmount(point);
  rmSync(dir, { recursive: true, force: true });
});

const ip = (text: string): number => parseIpv4(text) ?? 0;
const cidr = (text: string) => parseCidr(text) ?? { base: 0, prefix: 32 };
const link = (name: string): Link => {
  const found = socket.links().find((each) => each.name === name);
  if (found === undefined) throw new Error(`no link ${name}`);
  return found;
};
const VXLAN = {
  vni: 0xabcdef,
  port: 4790,
  local: ip('192.168.7.1'),
  learning: false,
  checksum: true,
  inheritTos: true,
} as const;

describe('links', () => {
  it('makes a bridge, a VXLAN device and a veth into another namespace as they were asked for', () => {
    createNetns(join(dir, 'b'), () => undefined);
    socket.must([addBridge({ name: 'br', mac: '02:00:00:00:00:01', mtu: 1450, up: true }, { multicastSnooping: false })]);
    const master = link('br').index;
    const netnsFd = openSync(join(dir, 'b'), 'r');
    try {
      socket.must([
        addVxlan({ name: 'vx', mac: '02:00:00:00:00:02', mtu: 1450, up: true }, VXLAN),
        addVeth({ name: 'host', mtu: 1450, master, up: true }, { name: 'eth0', mac: '02:42:0a:00:00:02', mtu: 1400, netnsFd }),
      ]);
    } finally {
      closeSync(netnsFd);
    }
    expect(link('br')).toMatchObject({
      kind: 'bridge',
      mac: '02:00:00:00:00:01',
      mtu: 1450,
      up: true,
      master: 0,
      bridge: { multicastSnooping: false },
    });
    expect(link('vx')).toMatchObject({ kind: 'vxlan', mac: '02:00:00:00:00:02', mtu: 1450, up: true, running: true, vxlan: VXLAN });
    expect(link('host')).toMatchObject({ kind: 'veth', mtu: 1450, up: true, running: false, master, peerIsElsewhere: true });
    const inside = RouteSocket.openIn(join(dir, 'b'));
    try {
      const eth0 = inside.links().find(({ name }) => name === 'eth0');
      expect(eth0).toMatchObject({ kind: 'veth', mac: '02:42:0a:00:00:02', mtu: 1400, up: false });
      expect(eth0?.index).toBe(link('host').peer);
      inside.must([changeLink('eth0', { up: true })]);
      expect(link('host').running).toBe(true);
    } finally {
      inside.close();
    }
  });

  it('changes what is asked and leaves the rest', () => {
    socket.must([addVeth({ name: 'a', up: false }, { name: 'b' })]);
    socket.must([addBridge({ name: 'br', up: false }, { multicastSnooping: true })]);
    const before = link('a');
    const br = link('br').index;
    socket.must([changeLink(before.index, { mtu: 1300, alias: 'caravela ab12', master: br })]);
    expect(link('a')).toMatchObject({ mac: before.mac, mtu: 1300, alias: 'caravela ab12', master: br, up: false });
    socket.must([changeLink('a', { up: true, mac: '02:00:00:00:00:09', alias: '', master: 0 })]);
    expect(link('a')).toMatchObject({ mac: '02:00:00:00:00:09', mtu: 1300, alias: '', master: 0, up: true });
    socket.must([changeLink('a', { up: false }), changeLink(before.index, { name: 'c' })]);
    expect(link('c')).toMatchObject({ index: before.index, up: false });
  });

  it('sets options of bridge ports', () => {
    socket.must([addBridge({ name: 'br', up: true }, { multicastSnooping: false })]);
    socket.must([addVeth({ name: 'a', master: link('br').index, up: true }, { name: 'b' })]);
    const { index } = link('a');
    expect(link('a').port).toEqual({ hairpin: false, learning: true, isolated: false });
    socket.must([changeBridgePort(index, { hairpin: true, isolated: true })]);
    expect(link('a').port).toEqual({ hairpin: true, learning: true, isolated: true });
    expect(link('b').port).toBeUndefined();
  });

  it('answers each request of a batch by itself, in the words of the kernel', () => {
    const answers = socket.batch([
      addBridge({ name: 'one', up: false }, { multicastSnooping: false }),
      addBridge({ name: 'one', up: false }, { multicastSnooping: false }),
      changeLink(9999, { up: true }),
      addVxlan({ name: 'vx', up: false }, VXLAN),
      addVxlan({ name: 'vy', up: false }, VXLAN),
      addBridge({ name: 'two', up: false }, { multicastSnooping: false }),
    ]);
    expect(answers.map((error) => error?.message)).toEqual([
      undefined,
      'add bridge one: EEXIST',
      'change link 9999: ENODEV',
      undefined,
      'add vxlan vy(A VXLAN device with the specified VNI already exists): EEXIST',
      undefined,
    ]);
    expect(() => socket.must([deleteLink('none'), deleteLink('two')])).toThrow('delete link none: ENODEV');
    expect(socket.links().map(({ name }) => name)).toEqual(['lo', 'one', 'vx']);
  });

  it('works off a thousand requests, refused or not', () => {
    const blocks = Array.from({ length: 1000 }, (_, n) => ip('10.0.0.0') + n * 8);
    socket.must([changeLink('lo', { up: true })]);
    const routes = blocks.map((base): Route => ({ ...BLACKHOLE, destination: { base, prefix: 29 } }));
    expect(new Set(socket.batch(routes.map(addRoute)))).toEqual(new Set([undefined]));
    expect(socket.routes(MAIN_TABLE).map(({ destination }) => destination.base)).toEqual(blocks);
    expect(new Set(socket.batch(routes.map(addRoute)).map((error) => error?.code))).toEqual(new Set(['EEXIST']));
  });

  it('deletes off the event loop, many in one go', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `br${n}`);
    socket.must(names.map((name) => addBridge({ name, up: true }, { multicastSnooping: false })));
    const [kept, ...gone] = socket.links().filter(({ kind }) => kind === 'bridge');
    const deleted = socket.deleteLinks([...gone.map(({ index }) => index), 4711]);
    socket.must([changeLink(kept?.index ?? 0, { alias: 'meanwhile' })]);
    await deleted;
    expect(socket.links().map(({ name, alias, group }) => [name, alias, group])).toEqual([
      ['lo', '', 0],
      [kept?.name, 'meanwhile', 0],
    ]);
    await socket.deleteLinks([kept?.index ?? 0]);
    await socket.deleteLinks([kept?.index ?? 0]);
    await socket.deleteLinks([]);
    expect(socket.links().map(({ name }) => name)).toEqual(['lo']);
    expect(await socket.background([deleteLink(4711)])).toMatchObject([{ code: 'ENODEV' }]);
  });
});

const BLACKHOLE = blackhole(cidr('10.9.0.0/16'));

describe('addresses, routes, neighbours', () => {
  beforeEach(() => {
    socket.must([
      addVeth({ name: 'a', up: true }, { name: 'b' }),
      changeLink('b', { up: true }),
      addVxlan({ name: 'vx', mtu: 1450, up: true }, VXLAN),
    ]);
  });

  it('adds and deletes addresses', () => {
    const { index } = link('a');
    const one = { index, address: ip('10.1.0.1'), prefix: 24, scope: 'global', noPrefixRoute: false } as const;
    const two = { index, address: ip('198.18.0.1'), prefix: 32, scope: 'link', noPrefixRoute: true } as const;
    socket.must([addAddress(one), addAddress(two), addAddress(one)]);
    expect(socket.addresses()).toEqual(expect.arrayContaining([one, two]));
    socket.must([deleteAddress(two)]);
    expect(socket.addresses()).toEqual([one]);
    expect(socket.batch([deleteAddress(two)])[0]?.code).toBe('EADDRNOTAVAIL');
  });

  it('adds, replaces and deletes routes', () => {
    const device = link('vx').index;
    socket.must([addAddress({ index: device, address: ip('198.18.0.1'), prefix: 32, scope: 'global', noPrefixRoute: false })]);
    const route: Route = {
      ...BLACKHOLE,
      destination: cidr('10.5.0.8/29'),
      type: 'unicast',
      via: ip('198.18.0.2'),
      onlink: true,
      device,
      mtu: 1400,
      source: ip('198.18.0.1'),
    };
    socket.must([addRoute(route), addRoute(BLACKHOLE)]);
    expect(socket.routes(MAIN_TABLE)).toEqual([route, BLACKHOLE]);
    const moved: Route = { ...route, via: ip('198.18.0.3'), mtu: 0, source: undefined };
    socket.must([replaceRoute(moved), replaceRoute({ ...BLACKHOLE, destination: cidr('10.6.0.0/16'), table: 1000 })]);
    expect(socket.routes(MAIN_TABLE)).toEqual([moved, BLACKHOLE]);
    expect(socket.routes(1001)).toEqual([]);
    expect(socket.routes(1000)).toMatchObject([{ destination: cidr('10.6.0.0/16'), table: 1000 }]);
    expect(socket.routes().filter(({ protocol }) => protocol === OUR_PROTOCOL)).toHaveLength(3);
    socket.must([deleteRoute(moved)]);
    expect(socket.routes(MAIN_TABLE)).toEqual([BLACKHOLE]);
    expect(socket.batch([deleteRoute(moved)])[0]?.code).toBe('ESRCH');
  });

  it('adds, replaces and deletes neighbours', () => {
    const { index } = link('a');
    socket.must([addNeighbour(index, ip('10.1.0.2'), '02:00:00:00:00:11'), addNeighbour(index, ip('10.1.0.2'), '02:00:00:00:00:12')]);
    const entry = { index, address: ip('10.1.0.2'), mac: '02:00:00:00:00:12', permanent: true };
    expect(socket.neighbours().filter(({ permanent }) => permanent)).toEqual([entry]);
    socket.must([deleteNeighbour(index, entry.address)]);
    expect(socket.neighbours().filter(({ permanent }) => permanent)).toEqual([]);
    expect(socket.batch([deleteNeighbour(index, entry.address)])[0]?.code).toBe('ENOENT');
  });

  it('adds, replaces and deletes forwarding entries', () => {
    const { index } = link('vx');
    const mac = '02:00:00:00:00:21';
    socket.must([addFdbEntry(index, mac, ip('192.168.7.2')), addFdbEntry(index, mac, ip('192.168.7.3'))]);
    const entry = { index, mac, remote: ip('192.168.7.3'), permanent: true, self: true, master: 0 };
    expect(socket.fdb(index).filter(({ remote }) => remote !== undefined)).toEqual([entry]);
    expect(socket.fdb().filter(({ remote }) => remote !== undefined)).toEqual([entry]);
    socket.must([deleteFdbEntry(entry)]);
    expect(socket.fdb(index).filter(({ remote }) => remote !== undefined)).toEqual([]);
    expect(socket.batch([deleteFdbEntry(entry)])[0]?.code).toBe('ENOENT');
  });
});
