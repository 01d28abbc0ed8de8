/**
 * What a thousand networks cost a node: from nothing to all of them in the kernel, of three hosts.
 *
 *   node bench/network-scale.ts [networks]
 *
 * The overlay alone, without a daemon around it, in a network namespace of its own; the other two hosts are only told
 * of. Every network has a block here and one on each of them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkId } from '../src/core/model/index.ts';
import { parseIpv4 } from '../src/lib/ipv4.ts';
import { RouteSocket } from '../src/linux/rtnetlink/route-socket.ts';
import { MAIN_TABLE } from '../src/linux/rtnetlink/routes.ts';
import type { HostNetworks, NetworkOnHost } from '../src/network/port.ts';
import { OverlayNetwork } from '../src/network/vxlan/overlay-network.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { median, table } from './lib/stats.ts';

const NETWORKS = Number(process.argv[2] ?? 1_000);
const AGAIN = 5;
const MARK = 'CARAVELA_BENCH_PRIVATE_NETWORK';
const UNDERLAY = '192.0.2.1';

if (process.env[MARK] === undefined) {
  const setUp = `ip link set lo up && ip link add eth0 type veth peer name switch && ip addr add ${UNDERLAY}/24 dev eth0 && ip link set eth0 up && ip link set switch up`;
  const words = ['--net', '--mount', 'sh', '-c', `${setUp} && exec "$@"`, 'sh', process.execPath, '--expose-gc', ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', words, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  process.exit(status ?? 1);
}

const ip = (text: string): number => parseIpv4(text) ?? 0;
const runDir = mkdtempSync(join(tmpdir(), 'caravela-bench-'));
const overlay = new OverlayNetwork({ runDir, shortId: 'be0c40000000', log: (level, message) => console.error(level, message) });
let markdown: string;
try {
  markdown = await measure();
} finally {
  await overlay.close();
  rmSync(runDir, { recursive: true, force: true });
}
writeResult('network-scale', markdown);

async function measure(): Promise<string> {
  await program(1);
  const before = memory();
  const fromNothing = await program(NETWORKS);
  const after = memory();
  const objects = count();
  const again = [];
  for (let i = 0; i < AGAIN; i++) again.push(await program(NETWORKS));
  const one = [];
  for (let i = 1; i <= AGAIN; i++) one.push(await program(NETWORKS + i));
  const removal = await timed(() => overlay.removeAll());
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  const mb = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const rows = [
    ['from nothing', seconds(fromNothing.tookMs)],
    ['… of which the event loop was held at once, at most', `${fromNothing.stallMs.toFixed(0)} ms`],
    ['the same wish again: reads all, changes nothing', `${median(again.map(({ tookMs }) => tookMs)).toFixed(0)} ms`],
    ['one network more', `${median(one.map(({ tookMs }) => tookMs)).toFixed(0)} ms`],
    ['all of it taken away', seconds(removal.tookMs)],
    ['memory of the process, in use by it', mb(after.heap - before.heap)],
    ['memory of the process, resident', mb(after.rss - before.rss)],
    ['memory of the kernel, slab and per CPU', mb(after.kernel - before.kernel)],
  ];
  return `# ${NETWORKS.toLocaleString('en')} networks on three hosts

${today()}; ${machine()}. Load average at the end ${loadAverage()}.

What one of three nodes programs: ${objects}.

${table(['', 'measured'], rows)}

Rerun: \`node bench/network-scale.ts\` (as root).
`;
}

interface Took {
  readonly tookMs: number;
  /** The longest that nothing else could run. */
  readonly stallMs: number;
}

function program(networks: number): Promise<Took> {
  return timed(async () => {
    overlay.want(wish(networks));
    await overlay.settled();
  });
}

async function timed(work: () => Promise<void>): Promise<Took> {
  const began = performance.now();
  let last = began;
  let stallMs = 0;
  const tick = (): void => {
    const now = performance.now();
    stallMs = Math.max(stallMs, now - last);
    last = now;
  };
  const ticks = setInterval(tick, 1);
  try {
    await work();
    tick();
    return { tookMs: performance.now() - began, stallMs };
  } finally {
    clearInterval(ticks);
  }
}

function wish(networks: number): HostNetworks {
  const peers = [2, 3].map((number) => ({ number, underlayIp: `192.0.2.${number}`, underlayMtu: 1500 }));
  return {
    self: { number: 1, underlayIp: UNDERLAY, underlayMtu: 1500 },
    vxlanPort: 4789,
    innerRange: { base: ip('198.18.0.0'), prefix: 15 },
    members: peers.map(({ number, underlayIp }) => ({ number, underlayIp })),
    networks: Array.from({ length: networks }, (_, n): NetworkOnHost => {
      const base = ip('10.0.0.0') + n * 256;
      const block = (number: number) => ({ base: base + number * 64, prefix: 26 });
      return {
        id: n.toString(16).padStart(64, '0') as NetworkId,
        name: `network-${n}`,
        vni: n + 1,
        subnet: { base, prefix: 24 },
        gateway: base + 1,
        internal: false,
        mtu: undefined,
        isDefault: n === 0,
        blocks: [block(1)],
        peers: peers.map((peer) => ({ ...peer, blocks: [block(peer.number)] })),
      };
    }),
    ports: [],
  };
}

function memory(): { readonly heap: number; readonly rss: number; readonly kernel: number } {
  global.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const kilobytes = [...readFileSync('/proc/meminfo', 'utf8').matchAll(/^(?:Slab|Percpu):\s+(\d+) kB$/gm)].map(([, size]) => Number(size));
  return { heap: heapUsed + external, rss, kernel: kilobytes.reduce((sum, size) => sum + size, 0) * 1024 };
}

function count(): string {
  const socket = RouteSocket.open();
  try {
    const numbers = [
      [socket.links().length, 'devices'],
      [socket.routes(MAIN_TABLE).length, 'routes'],
      [socket.neighbours().filter(({ permanent }) => permanent).length, 'neighbours'],
      [socket.fdb().filter(({ remote }) => remote !== undefined).length, 'FDB entries'],
    ] as const;
    return numbers.map(([number, what]) => `${number.toLocaleString('en')} ${what}`).join(', ');
  } finally {
    socket.close();
  }
}
