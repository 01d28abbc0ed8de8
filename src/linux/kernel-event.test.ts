import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeKernelEvents } from './kernel-event.ts';
import { encodeMessage, nestedAttribute, numberAttribute, textAttribute } from './netlink.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from './netlink-socket.ts';
import { addAddress } from './rtnetlink/addresses.ts';
import { changeBridgePort } from './rtnetlink/bridge.ts';
import { addVeth, addVxlan } from './rtnetlink/links.ts';
import { addFdbEntry, addNeighbour } from './rtnetlink/neighbours.ts';
import { addRoute, MAIN_TABLE, OUR_PROTOCOL } from './rtnetlink/routes.ts';

// What we ask for has the form in which the kernel tells of it.
const VXLAN = { vni: 7, port: 4789, local: 0x0a000001, learning: false, checksum: true, inheritTos: false };
const ROUTE = {
  destination: { base: 0x0a010000, prefix: 29 },
  type: 'unicast',
  via: 0xc6120002,
  onlink: true,
  device: 4,
  mtu: 1400,
  source: 0xc6120001,
  metric: 5,
  scope: 'global',
  protocol: OUR_PROTOCOL,
  table: MAIN_TABLE,
} as const;
const ADDRESS = { index: 3, address: 0x0a010001, prefix: 24, scope: 'link', noPrefixRoute: true } as const;
const REQUESTS = [
  addVxlan({ name: 'vx', mac: '02:00:00:00:00:01', mtu: 1450, master: 9, up: true }, VXLAN),
  addVeth({ name: 'a', up: false }, { name: 'b' }),
  addAddress(ADDRESS),
  addRoute(ROUTE),
  addNeighbour(3, 0x0a010002, '02:00:00:00:00:02'),
  addFdbEntry(4, '02:00:00:00:00:03', 0x0a000002),
];
const NFT_NEWRULE = 0x0a06;
const NFT_NEWGEN = 0x0a0f;

const routeDatagram = Buffer.concat(REQUESTS.map((request) => encodeMessage(request, 0, 0)));
const nft = (type: number, table: string): Buffer =>
  encodeMessage({ what: '', type, flags: 0, body: Buffer.concat([Buffer.from([2, 0, 0, 1]), textAttribute(1, table)]) }, 0, 0);

describe('decodeKernelEvents', () => {
  it('knows each kind', () => {
    const [vxlan, veth, ...others] = decodeKernelEvents(NETLINK_ROUTE, routeDatagram);
    expect(vxlan).toMatchObject({
      kind: 'link',
      gone: false,
      port: 0,
      link: { name: 'vx', kind: 'vxlan', mac: '02:00:00:00:00:01', mtu: 1450, master: 9, up: true, vxlan: VXLAN, bridge: undefined },
    });
    expect(veth).toMatchObject({ kind: 'link', link: { name: 'a', kind: 'veth', up: false, mac: '', alias: '', vxlan: undefined } });
    expect(others).toEqual([
      { kind: 'address', gone: false, port: 0, address: ADDRESS },
      { kind: 'route', gone: false, port: 0, route: ROUTE },
      { kind: 'neighbour', gone: false, port: 0, neighbour: { index: 3, address: 0x0a010002, mac: '02:00:00:00:00:02', permanent: true } },
      {
        kind: 'fdb',
        gone: false,
        port: 0,
        entry: { index: 4, mac: '02:00:00:00:00:03', remote: 0x0a000002, permanent: true, self: true, master: 0 },
      },
    ]);
  });

  it('takes news of a bridge port for no news of the device', () => {
    const left = encodeMessage({ ...changeBridgePort(5, { hairpin: true }), type: 17 }, 0, 0);
    expect([...decodeKernelEvents(NETLINK_ROUTE, left)]).toEqual([{ kind: 'bridge-port', gone: true, index: 5, port: 0 }]);
  });

  it('knows the tables of nftables, and passes over the end of a transaction', () => {
    const datagram = Buffer.concat([nft(NFT_NEWRULE, 'caravela-1'), nft(NFT_NEWGEN, 'x')]);
    expect([...decodeKernelEvents(NETLINK_NETFILTER, datagram)]).toEqual([
      { kind: 'nftables', family: 'ip', table: 'caravela-1', port: 0 },
    ]);
    expect([...decodeKernelEvents(NETLINK_NETFILTER, routeDatagram)]).toEqual([]);
    expect([...decodeKernelEvents(NETLINK_ROUTE, datagram)]).toEqual([]);
  });

  it('passes over IPv6', () => {
    const six = addRoute(ROUTE);
    six.body[0] = 10;
    expect([...decodeKernelEvents(NETLINK_ROUTE, encodeMessage(six, 0, 0))]).toEqual([]);
  });

  it('takes any bytes', () => {
    const flips = fc.array(fc.tuple(fc.nat(routeDatagram.length - 1), fc.nat(255)), { maxLength: 20 });
    fc.assert(
      fc.property(flips, fc.nat(routeDatagram.length), (changes, length) => {
        const datagram = Buffer.from(routeDatagram);
        for (const [at, value] of changes) datagram[at] = value;
        const events = [...decodeKernelEvents(NETLINK_ROUTE, datagram.subarray(0, length))];
        expect(events.length).toBeLessThanOrEqual(datagram.length / 16);
        for (const event of events) if (event.kind === 'link') expect(Number.isInteger(event.link.mtu)).toBe(true);
      }),
      { numRuns: 1000 },
    );
    const types = fc.constantFrom(16, 17, 20, 21, 24, 25, 28, 29, 0x0a00, 0x0a06, 0x0aff);
    const body = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(types, body, (type, bytes) => {
        const datagram = encodeMessage({ what: '', type, flags: 0, body: bytes }, 0, 0);
        for (const protocol of [NETLINK_ROUTE, NETLINK_NETFILTER]) {
          expect([...decodeKernelEvents(protocol, datagram)].length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('takes attributes nested in themselves', () => {
    let nested = numberAttribute(2, 1);
    for (let depth = 0; depth < 200; depth += 1) nested = nestedAttribute(18, [nested]);
    const datagram = encodeMessage({ what: '', type: 16, flags: 0, body: Buffer.concat([Buffer.alloc(16), nested]) }, 0, 0);
    expect([...decodeKernelEvents(NETLINK_ROUTE, datagram)]).toMatchObject([{ kind: 'link', link: { kind: '' } }]);
  });
});
