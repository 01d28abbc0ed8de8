import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCidr, parseCidr } from '../lib/ipv4.ts';
import { hostRoutes, parseRoutes, routeInTheWay } from './host-routes.ts';

const TABLE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100000A	0003	0	0	0	00000000	0	0	0
eth0	0000000A	00000000	0001	0	0	0	00FFFFFF	0	0	0
wg0	0040A8C0	00000000	0001	0	0	0	00C0FFFF	0	0	0
lo	0000D20A	00000000	0200	0	0	0	0000FFFF	0	0	0
`;

test('routes are read as the kernel prints them, without the default route and what is rejected', () => {
  const routes = parseRoutes(TABLE);
  expect(routes.map(({ block, device }) => `${formatCidr(block)} ${device}`)).toEqual(['10.0.0.0/24 eth0', '192.168.64.0/18 wg0']);
  const subnet = (text: string) => parseCidr(text) ?? { base: 0, prefix: 0 };
  expect(routeInTheWay(subnet('192.168.0.0/16'), routes)).toBe('its route 192.168.64.0/18 (wg0) overlaps');
  expect(routeInTheWay(subnet('10.210.0.0/16'), routes)).toBeUndefined();
});

test('this host’s can be read; junk is none', () => {
  expect(Array.isArray(hostRoutes())).toBe(true);
  fc.assert(fc.property(fc.string(), (text) => void parseRoutes(`${TABLE}${text}`)));
});
