/**
 * What an idle node costs: resident memory, processor time, UDP payload sent, at 3 and at 30 nodes.
 *
 *   node bench/idle.ts [nodes …]
 *
 * Each node is a daemon in a network namespace of its own. UDP is counted by an nftables rule in
 * that namespace (IP bytes less 28 per packet), after a minute of quiet, over a minute.
 */
import { readFileSync } from 'node:fs';
import { allAlive } from '../test/lab/instance.ts';
import { Lab } from '../test/lab/lab.ts';
import type { LabHost } from '../test/lab/lab-host.ts';
import { must } from '../test/lab/shell.ts';
import { machine, today } from './lib/machine.ts';
import { summary, table } from './lib/stats.ts';
import { writeResult } from './lib/result.ts';

const QUIET_MS = 60_000;
const MEASURE_MS = 60_000;
const IP_AND_UDP_HEADER_BYTES = 28;
const TICKS_PER_SECOND = 100;

interface Cost {
  readonly rssMb: number;
  readonly pssMb: number;
  readonly cpuPercent: number;
  readonly udpBytesPerSecond: number;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(nodes: number): Promise<readonly Cost[]> {
  const lab = new Lab({ name: 'crvidle', hosts: nodes, dir: '/tmp/crvidle', subnet: '10.79.1' });
  try {
    await lab.up();
    const first = lab.host(1);
    await first.ok(['create', first.ip, '--name', first.name]);
    const { token } = JSON.parse(await first.ok(['token', 'create', '--format', 'json'])) as { token: string };
    for (const host of lab.hosts.slice(1)) await host.ok(['join', host.ip, first.ip, '--name', host.name, '--token', token]);
    await allAlive(first, nodes);
    for (const host of lab.hosts) await count(host);
    console.error(`${nodes} nodes are up; ${QUIET_MS / 1000} s of quiet, then ${MEASURE_MS / 1000} s of measuring`);
    await sleep(QUIET_MS);
    const before = await Promise.all(lab.hosts.map(reading));
    await sleep(MEASURE_MS);
    const after = await Promise.all(lab.hosts.map(reading));
    return after.map((now, i) => costOf(before[i] as Reading, now));
  } finally {
    await lab.down();
  }
}

async function count(host: LabHost): Promise<void> {
  await must(['nsenter', `--net=/run/netns/${host.netns}`, 'nft', '-f', '-'], {
    input: 'table ip bench {\n chain out {\n  type filter hook output priority 0;\n  udp sport 8000 counter\n }\n}\n',
  });
}

interface Reading {
  readonly atMs: number;
  readonly rssKb: number;
  readonly pssKb: number;
  readonly ticks: number;
  readonly packets: number;
  readonly ipBytes: number;
}

async function reading(host: LabHost): Promise<Reading> {
  const pid = host.daemonPid();
  if (pid === undefined) throw new Error(`the daemon of ${host.name} is gone`);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const smaps = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const counters = await must(['nsenter', `--net=/run/netns/${host.netns}`, 'nft', 'list', 'table', 'ip', 'bench']);
  const [, packets, bytes] = /packets (\d+) bytes (\d+)/.exec(counters) ?? [];
  return {
    atMs: performance.now(),
    rssKb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
    pssKb: Number(/^Pss:\s+(\d+)/m.exec(smaps)?.[1]),
    ticks: Number(fields[11]) + Number(fields[12]),
    packets: Number(packets),
    ipBytes: Number(bytes),
  };
}

function costOf(before: Reading, after: Reading): Cost {
  const seconds = (after.atMs - before.atMs) / 1000;
  const payload = after.ipBytes - before.ipBytes - IP_AND_UDP_HEADER_BYTES * (after.packets - before.packets);
  return {
    rssMb: after.rssKb / 1024,
    pssMb: after.pssKb / 1024,
    cpuPercent: ((after.ticks - before.ticks) / TICKS_PER_SECOND / seconds) * 100,
    udpBytesPerSecond: payload / seconds,
  };
}

const sizes = process.argv.slice(2).map(Number);
const rows: string[][] = [];
for (const nodes of sizes.length > 0 ? sizes : [3, 30]) {
  const costs = await measure(nodes);
  const figure = (name: keyof Cost, digits: number) => {
    const s = summary(costs.map((cost) => cost[name]));
    return [s.median, s.max].map((x) => x.toFixed(digits));
  };
  rows.push([String(nodes), ...figure('rssMb', 1), ...figure('pssMb', 1), ...figure('cpuPercent', 2), ...figure('udpBytesPerSecond', 0)]);
}
writeResult(
  'idle',
  `# An idle node\n\n${today()}; ${machine()}\n\nMedian and worst over the nodes, after ${QUIET_MS / 1000} s of quiet, over ${MEASURE_MS / 1000} s.\n\n${table(
    ['nodes', 'RSS MB', 'worst', 'PSS MB', 'worst', 'CPU % of a core', 'worst', 'UDP payload B/s', 'worst'],
    rows,
  )}\n\nRerun: \`node bench/idle.ts\`\n`,
);
