import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointMac } from './names.ts';
import { mustRunIn } from './testing/hosts.test-suite.ts';
import { Lab, type LabEndpoint, pings } from './testing/lab.test-suite.ts';

const SEND_FRAME = join(import.meta.dirname, 'testing/send-frame.test-suite.ts');
const BROADCAST = 'ffffffffffff';
const ARP = '0806';
const ARP_REQUEST = '0001080006040001';

/** What a container sends from a raw socket, which Docker's default capabilities let it have. */
describe('a container’s frames', () => {
  let lab: Lab;
  let a: LabEndpoint;
  let b: LabEndpoint;
  beforeAll(async () => {
    lab = await Lab.open({ mtus: [1500], networks: { 1: {} } });
    [a, b] = await Promise.all([lab.one(1, 1), lab.one(1, 1)]);
  });
  afterAll(() => lab.close());

  const send = (from: LabEndpoint, ...frames: readonly string[]): string =>
    mustRunIn(from.netns, [process.execPath, SEND_FRAME, 'eth0', ...frames]);
  const macOf = ({ endpoint }: LabEndpoint): string => endpointMac(endpoint.address);
  const hexMac = (of: LabEndpoint): string => macOf(of).replaceAll(':', '');
  const hexIp = ({ endpoint }: LabEndpoint): string => endpoint.address.toString(16).padStart(8, '0');
  /** Behind which of its ports the bridge takes a MAC to be. */
  const portOf = (mac: string): string =>
    new RegExp(`^${mac} dev (\\S+)`, 'm').exec(lab.host(1).must(['bridge', 'fdb', 'show', 'dynamic']))?.[1] ?? '';

  it('can’t draw a neighbour’s to it: by the source of a frame whose ARP is right', () => {
    expect(pings(a.netns, b.address)).toBe(true);
    const before = portOf(macOf(b));
    expect(before).not.toBe('');
    // Of its own address, so that nobody answers, and puts it right thereby.
    const announced = ARP_REQUEST + hexMac(a) + hexIp(a) + '000000000000' + hexIp(a);
    send(a, BROADCAST + hexMac(b) + ARP + announced);
    expect(portOf(macOf(b))).toBe(before);
  });

  it('can’t draw a neighbour’s to it: by ARP in its name', () => {
    expect(pings(b.netns, a.address)).toBe(true);
    const inItsName = ARP_REQUEST + hexMac(a) + hexIp(b) + '000000000000' + hexIp(a);
    const announced = ARP_REQUEST + hexMac(b) + hexIp(b) + '000000000000' + hexIp(b);
    send(a, BROADCAST + hexMac(a) + ARP + inItsName, BROADCAST + hexMac(b) + ARP + announced);
    expect(lab.host(1).must(['ip', 'neigh', 'show', b.address])).not.toContain(macOf(a));
    expect(portOf(macOf(b))).not.toBe(portOf(macOf(a)));
  });

  it('are IPv4 and ARP, and those without a tag', async () => {
    const heard = (netns: string): number => Number(/eth0:\s*\d+\s+(\d+)/.exec(mustRunIn(netns, ['cat', '/proc/net/dev']))?.[1]);
    const before = heard(b.netns);
    const arp = ARP_REQUEST + hexMac(a) + hexIp(a) + '000000000000' + hexIp(b);
    const inIpv6 = `${hexMac(b)}${hexMac(a)}86dd60000000000802ff${'fe80'.padEnd(32, '1')}${'fe80'.padEnd(32, '2')}8000000000010001`;
    for (const frame of [
      inIpv6,
      `${BROADCAST}${hexMac(a)}81000005${ARP}${arp}`,
      `${BROADCAST}${hexMac(a)}81000000${ARP}${arp}`,
      `${BROADCAST}${hexMac(a)}88a80005${ARP}${arp}`,
    ])
      send(a, frame);
    expect(heard(b.netns)).toBe(before);
    send(a, BROADCAST + hexMac(a) + ARP + arp);
    await expect.poll(() => heard(b.netns)).toBeGreaterThan(before);
  });
});
