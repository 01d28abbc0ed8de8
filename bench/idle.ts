/**
 * What an idle node costs: resident memory, processor time, UDP payload sent, at 3 and at 30 nodes.
 *
 *   node bench/idle.ts [nodes …]
 *
 * Each node is a daemon in a network namespace of its own. UDP is counted by an nftables rule in
 * that namespace (IP bytes less 28 per packet). Measured over a minute, twice: a minute after the last node came up,
 * while V8 still compiles what it finds to run often, and after five, as a node is that has been there for a while.
 */
import { readFileSync } from 'node:fs';
import { allAlive } from '../test/lab/instance.ts';
import { Lab } from '../test/lab/lab.ts';
import type { LabHost } from '../test/lab/lab-host.ts';
import { must } from '../test/lab/shell.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { summary, table } from './lib/stats.ts';
import { writeResult } from './lib/result.ts';

/** From the last node's start to the two measurements. */
const EARLY_MS = 60_000;
const LATE_MS = 300_000;
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

async function measure(nodes: number): Promise<{ readonly early: readonly Cost[]; readonly late: readonly Cost[] }> {
  const lab = new Lab({ name: 'crvidle', hosts: nodes, dir: '/tmp/crvidle', subnet: '10.79.1' });
  try {
    await lab.up();
    const first = lab.host(1);
    await first.ok(['create', first.ip, '--name', first.name]);
    const { token } = JSON.parse(await first.ok(['token', 'create', '--format', 'json'])) as { token: string };
    for (const host of lab.hosts.slice(1)) await host.ok(['join', host.ip, first.ip, '--name', host.name, '--token', token]);
    await allAlive(first, nodes);
    for (const host of lab.hosts) await count(host);
    console.error(`${nodes} nodes are up; measured over ${MEASURE_MS / 1000} s after ${EARLY_MS / 1000} and after ${LATE_MS / 1000} s`);
    await sleep(EARLY_MS);
    const early = await costs(lab);
    await sleep(LATE_MS - EARLY_MS - MEASURE_MS);
    return { early, late: await costs(lab) };
  } finally {
    await lab.down();
  }
}

async function costs(lab: Lab): Promise<readonly Cost[]> {
  const before = await Promise.all(lab.hosts.map(reading));
  await sleep(MEASURE_MS);
  const after = await Promise.all(lab.hosts.map(reading));
  return after.map((now, i) => costOf(before[i] as Reading, now));
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
  const { early, late } = await measure(nodes);
  const figure = (costs: readonly Cost[], name: keyof Cost, digits: number): readonly string[] => {
    const { median, max } = summary(costs.map((cost) => cost[name]));
    return [median, max].map((x) => x.toFixed(digits));
  };
  rows.push([
    String(nodes),
    ...figure(late, 'rssMb', 1),
    ...figure(late, 'pssMb', 1),
    ...figure(early, 'cpuPercent', 2),
    ...figure(late, 'cpuPercent', 2),
    ...figure(late, 'udpBytesPerSecond', 0),
  ]);
}
const head = [
  'nodes',
  'RSS MB',
  'worst',
  'PSS MB',
  'worst',
  'CPU % of a core, early',
  'worst',
  'CPU % of a core',
  'worst',
  'UDP payload B/s',
  'worst',
];
writeResult(
  'idle',
  `# An idle node

${today()}; ${machine()}. Load average at the end ${loadAverage()}.

Median and worst over the nodes, over ${MEASURE_MS / 1000} s, ${LATE_MS / 1000} s after the last node's start; early: after ${EARLY_MS / 1000} s.

${table(head, rows)}

Rerun: \`node bench/idle.ts\`
`,
);
