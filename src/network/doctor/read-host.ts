import { readFileSync } from 'node:fs';
import { parseIpv4 } from '../../lib/ipv4.ts';
import { listChains, listTable } from '../../linux/nft.ts';
import { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { readSysctl } from '../../linux/sysctl.ts';
import type { HostExpected } from './check-host.ts';
import { closedChain } from './closed-chains.ts';
import type { FirewallSeen, HostSeen } from './facts.ts';
import { readNeighbourTable } from './neighbour-table.ts';

const STRICT = 1;
const LEGACY_TABLES = '/proc/thread-self/net/ip_tables_names';

/** What this host's kernel says, in the calling thread's network namespace. @param ownTable our nftables tables */
export async function readHost(expected: HostExpected, ownTable: string): Promise<HostSeen> {
  const seen = readKernel(expected);
  const legacy = readOr(LEGACY_TABLES).split('\n').includes('filter');
  // The child is made before anything is waited for, and so in the namespace of the caller.
  const chains = listChains();
  try {
    return { ...seen, firewall: await readFirewall(await chains, expected, ownTable, legacy), firewallError: '' };
  } catch (error) {
    return { ...seen, firewall: undefined, firewallError: error instanceof Error ? error.message : String(error) };
  }
}

function readKernel({ underlayIp, devices }: HostExpected): Omit<HostSeen, 'firewall' | 'firewallError'> {
  const socket = RouteSocket.open();
  try {
    const links = socket.links();
    const ours = links.filter(({ name }) => name.startsWith(devices));
    const ip = parseIpv4(underlayIp);
    const holder = socket.addresses().find(({ address }) => address === ip)?.index;
    const underlay = links.find(({ index }) => index === holder);
    const tunnels = new Set(ours.flatMap(({ kind, index }) => (kind === 'vxlan' ? [index] : [])));
    const permanent = socket.neighbours().filter((entry) => entry.permanent && tunnels.has(entry.index)).length;
    return {
      ipForward: readSysctl('ipv4/ip_forward') === '1',
      bridgeNetfilter: flag(readSysctl('bridge/bridge-nf-call-iptables')),
      underlay: underlay && { device: underlay.name, mtu: underlay.mtu },
      tunnels: ours.filter(({ kind }) => kind === 'vxlan').map(({ name, mtu, up }) => ({ name, mtu, up })),
      strict: ours.filter(({ kind, name }) => kind !== 'veth' && reversePath(name) === STRICT).map(({ name }) => name),
      neighbours: readNeighbourTable(permanent, ours.filter(({ kind }) => kind === 'veth').length),
    };
  } finally {
    socket.close();
  }
}

/** The larger of the device's and everybody's counts: ip-sysctl.rst. */
const reversePath = (device: string): number =>
  Math.max(...['all', device].map((name) => Number(readSysctl(`ipv4/conf/${name}/rp_filter`) ?? 0)));

async function readFirewall(
  { base, names }: Awaited<ReturnType<typeof listChains>>,
  expected: HostExpected,
  ownTable: string,
  legacy: boolean,
): Promise<FirewallSeen> {
  const others = base.filter(
    ({ hook, table, family }) => table !== ownTable && (hook === 'forward' || hook === 'input') && (family === 'ip' || family === 'inet'),
  );
  const judged = others.map(async (chain) => closedChain(chain, (await listTable(chain.family, chain.table)) ?? '', expected));
  const closed = (await Promise.all(judged)).filter((chain) => chain !== undefined);
  return { closed, managers: managersIn(names), legacy };
}

/** @param names `ip filter DOCKER-USER` */
export function managersIn(names: readonly string[]): readonly string[] {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  return [
    ...(has(/^ip \S+ DOCKER(-|$)/) ? ['Docker'] : []),
    ...(has(/ ufw-/) ? ['ufw'] : []),
    ...(has(/^\S+ firewalld /) ? ['firewalld'] : []),
    ...(has(/ (KUBE|CNI|FLANNEL|CILIUM)-/) ? ['Kubernetes'] : []),
  ];
}

const flag = (value: string | undefined): boolean | undefined => (value === undefined ? undefined : value === '1');

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Without the old iptables' module there is no such file.
    return '';
  }
}
