import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseIpv4 } from '../../lib/ipv4.ts';
import { mountPointsBelow, unmount } from '../../linux/mount.ts';
import { createNetns, inNetns } from '../../linux/netns.ts';
import { applyRuleset } from '../../linux/nft.ts';
import { addAddress } from '../../linux/rtnetlink/addresses.ts';
import { addVeth, addVxlan, changeLink } from '../../linux/rtnetlink/links.ts';
import { addFdbEntry, addNeighbour } from '../../linux/rtnetlink/neighbours.ts';
import { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { MAIN_TABLE, OUR_PROTOCOL, replaceRoute } from '../../linux/rtnetlink/routes.ts';
import { setSysctl } from '../../linux/sysctl.ts';
import type { Finding } from './finding.ts';

const ip = (text: string): number => parseIpv4(text) ?? 0;
const TUNNEL = 'cvtest01x000001';
const tunnelMac = (number: number): string => `0a:ca:00:00:00:0${number}`;
const inner = (number: number): number => ip(`198.18.0.${number}`);

/** A host with an underlay address, a VXLAN device and a doctor. */
class Host {
  readonly number: number;
  readonly path: string;
  readonly socket: RouteSocket;
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #lines: Interface | undefined;

  constructor(dir: string, number: number) {
    this.number = number;
    this.path = join(dir, String(number));
    createNetns(this.path, () => setSysctl('ipv4/ip_forward', '1'));
    this.socket = RouteSocket.openIn(this.path);
    this.socket.must([changeLink('lo', { up: true })]);
  }

  link(name: string): number {
    return this.socket.links().find((link) => link.name === name)?.index ?? 0;
  }

  configure(peer: number): void {
    const options = { vni: 1, port: 4789, local: ip(`10.7.0.${this.number}`), learning: false, checksum: true, inheritTos: false };
    this.socket.must([
      changeLink('eth0', { up: true }),
      addAddress({ index: this.link('eth0'), address: options.local, prefix: 24, scope: 'global', noPrefixRoute: false }),
      addVxlan({ name: TUNNEL, mac: tunnelMac(this.number), mtu: 1450, up: true }, options),
    ]);
    const device = this.link(TUNNEL);
    this.socket.must([
      addAddress({ index: device, address: inner(this.number), prefix: 32, scope: 'global', noPrefixRoute: false }),
      addNeighbour(device, inner(peer), tunnelMac(peer)),
      addFdbEntry(device, tunnelMac(peer), ip(`10.7.0.${peer}`)),
      replaceRoute({
        destination: { base: inner(peer), prefix: 32 },
        type: 'unicast',
        via: undefined,
        onlink: false,
        device,
        mtu: 0,
        source: undefined,
        metric: 0,
        scope: 'link',
        protocol: OUR_PROTOCOL,
        table: MAIN_TABLE,
      }),
    ]);
  }

  async start(peer: number): Promise<void> {
    const words = [
      `--net=${this.path}`,
      process.execPath,
      join(import.meta.dirname, 'doctor-host.test-helper.ts'),
      String(this.number),
      String(peer),
    ];
    this.#child = spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout);
    await once(this.#lines, 'line');
  }

  /** By check; of two with the same name the worse. */
  async examine(): Promise<ReadonlyMap<string, Finding>> {
    this.#child?.stdin.write('\n');
    const [line] = (await once(this.#lines ?? expect.fail('not started'), 'line')) as [string];
    const findings = JSON.parse(line) as Finding[];
    return new Map(findings.toSorted((a, b) => Number(b.state === 'ok') - Number(a.state === 'ok')).map((each) => [each.check, each]));
  }

  rules(text: string): Promise<void> {
    return inNetns(this.path, () => applyRuleset(text));
  }

  async stop(): Promise<void> {
    this.socket.close();
    if (this.#child === undefined) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}

describe('Doctor', () => {
  let dir: string;
  let one: Host;
  let two: Host;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'caravela-doctor-'));
    one = new Host(dir, 1);
    two = new Host(dir, 2);
    const netnsFd = openSync(two.path, 'r');
    try {
      one.socket.must([addVeth({ name: 'eth0', mtu: 1500, up: true }, { name: 'eth0', mtu: 1500, netnsFd })]);
    } finally {
      closeSync(netnsFd);
    }
    one.configure(2);
    two.configure(1);
    await Promise.all([one.start(2), two.start(1)]);
  });
  afterAll(async () => {
    await Promise.all([one.stop(), two.stop()]);
    for (const point of await mountPointsBelow(dir)) unmount(point);
    rmSync(dir, { recursive: true, force: true });
  });

  it('finds two hosts well, but for a clock', async () => {
    const findings = await one.examine();
    expect([...findings.values()].filter(({ state }) => state !== 'ok').map(({ check, seen }) => [check, seen])).toEqual([
      ['clock', expect.stringMatching(/^differs: node-2 \(10\.7\.0\.2\) is [45]\.\d s ahead$/)],
    ]);
    expect(findings.get('mtu')?.seen).toBe('packets of 1450 bytes pass whole through VXLAN');
    expect(findings.get('checksum offload')?.state).toBe('ok');
    expect(findings.get('underlay')?.seen).toBe('eth0 has 10.7.0.1 and an MTU of 1500');
    const worse = await two.examine();
    expect(worse.get('names')).toMatchObject({ state: 'problem', seen: expect.stringContaining('dnsmasq') });
    expect(findings.get('routes')?.state).toBe('ok');
    expect(worse.get('routes')).toMatchObject({ state: 'problem', seen: expect.stringContaining('10.20.0.0/16 (eth0)') });
  });

  it('finds a closed VXLAN port', async () => {
    onTestFinished(() => two.rules('delete table ip closed\n'));
    await two.rules('table ip closed {\n chain c {\n type filter hook input priority 0; policy accept;\n udp dport 4789 drop\n }\n}\n');
    const findings = await one.examine();
    expect(findings.get('peers')?.state).toBe('ok');
    expect(findings.get('vxlan')).toMatchObject({ state: 'problem', seen: expect.stringContaining('node-2 (10.7.0.2)') });
    expect(findings.has('mtu')).toBe(false);
  });

  it('finds a path that takes less than its ends say, and what it takes', async () => {
    onTestFinished(() => two.socket.must([changeLink('eth0', { mtu: 1500 })]));
    // A veth takes four bytes more than it sends: room for a VLAN's tag.
    two.socket.must([changeLink('eth0', { mtu: 1400 })]);
    const [here, there] = await Promise.all([one.examine(), two.examine()]);
    expect(here.get('mtu')).toMatchObject({
      state: 'problem',
      seen: expect.stringMatching(/^on the underlay to node-2 .*1500 bytes don’t pass, 1404 do/),
    });
    expect(there.get('underlay')).toMatchObject({
      state: 'problem',
      seen: 'eth0 has an MTU of 1400, peers were told 1500: larger packets are lost',
    });
  });

  it('finds UDP that does not come back where pings do', async () => {
    onTestFinished(() => two.rules('delete table ip mute\n'));
    await two.rules(
      `table ip mute {\n chain c {\n type filter hook input priority 0; policy accept;\n iifname ${TUNNEL} udp length > 500 drop\n }\n}\n`,
    );
    expect((await one.examine()).get('checksum offload')).toMatchObject({
      state: 'warning',
      seen: expect.stringContaining('5 small and 0 large of 5'),
    });
  });

  it('finds firewalls, strict filters and devices that are down', async () => {
    await one.rules('table inet site {\n chain f {\n type filter hook forward priority 0; policy drop;\n }\n}\n');
    inNetns(one.path, () => setSysctl('ipv4/conf/all/rp_filter', '1'));
    inNetns(one.path, () => setSysctl('ipv4/ip_forward', '0'));
    one.socket.must([changeLink(TUNNEL, { up: false })]);
    const findings = await one.examine();
    const broken = [...findings.values()].filter(({ state }) => state === 'problem').map(({ check }) => check);
    expect(new Set(broken)).toEqual(
      new Set(['forwarding', 'firewall', 'reverse path', 'vxlan devices', 'vxlan', ...brokenBridges(findings)]),
    );
  });
});

/** Where br_netfilter is loaded, it is on in a fresh namespace. */
const brokenBridges = (findings: ReadonlyMap<string, Finding>): readonly string[] =>
  findings.get('br_netfilter')?.seen === 'is not loaded' ? [] : ['br_netfilter'];
