import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ip } from '../contract.test-suite.ts';
import { endpointMac, gatewayMac } from './names.ts';
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

  it('leave the host in its name or not at all, such as belong to no connection too', async () => {
    const { outside } = lab.hosts;
    mustRunIn(
      outside,
      ['nft', '-f', '-'],
      'table ip seen {\n chain c {\n type filter hook prerouting priority -300;\n icmp type echo-reply counter\n }\n }\n',
    );
    const seen = (): number => Number(/packets (\d+)/.exec(mustRunIn(outside, ['nft', 'list', 'table', 'ip', 'seen']))?.[1]);
    // The answer to an echo that nobody asked for.
    const reply = icmpOf(hexIp(a), 'c00002fe', '0000000000010001');
    send(a, gatewayMac(ip('10.1.0.1')).replaceAll(':', '') + hexMac(a) + '0800' + reply);
    // What comes after it has come after it.
    expect(pings(a.netns, '192.0.2.254')).toBe(true);
    expect(seen()).toBe(0);
    mustRunIn(outside, ['nft', 'delete', 'table', 'ip', 'seen']);
  });

  it('are IPv4 and ARP, and those without a tag', async () => {
    const counter = `type filter hook ingress device eth0 priority 0;\n ether saddr ${macOf(a)} counter\n`;
    mustRunIn(b.netns, ['nft', '-f', '-'], `table netdev seen {\n chain c {\n ${counter} }\n }\n`);
    const heard = (netns: string): number =>
      Number(/packets (\d+)/.exec(mustRunIn(netns, ['nft', 'list', 'table', 'netdev', 'seen']))?.[1]);
    // So that the kernels ask for nothing meanwhile.
    const know = ({ netns }: LabEndpoint, address: string, mac: string): string =>
      mustRunIn(netns, ['ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent']);
    know(a, b.address, macOf(b));
    know(a, '10.1.0.1', gatewayMac(ip('10.1.0.1')));
    know(b, a.address, macOf(a));
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

/** An IPv4 packet of ICMP (RFC 791, 792) in hex, with its checksums. */
function icmpOf(source: string, destination: string, message: string): string {
  const header = Buffer.from(
    `4500${(20 + message.length / 2).toString(16).padStart(4, '0')}0000000040010000${source}${destination}`,
    'hex',
  );
  header.writeUInt16BE(checksum(header), 10);
  const body = Buffer.from(message, 'hex');
  body.writeUInt16BE(checksum(body), 2);
  return header.toString('hex') + body.toString('hex');
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
