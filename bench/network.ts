/**
 * Between containers of two hosts: how much, and how fast there and back.
 *
 *   node bench/network.ts [rounds]
 *
 * Hosts are network namespaces on a switch. In each round all sides take turns: the hosts themselves without any
 * overlay, a VXLAN made by hand that routes, one that bridges, and ours, with all its rules. Throughput is one TCP stream
 * of iperf3, round trips are ping's, as fast as they are answered.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mustRunIn, TestHosts } from '../src/network/vxlan/testing/hosts.test-suite.ts';
import { Lab } from '../src/network/vxlan/testing/lab.test-suite.ts';
import { must, until } from '../test/lab/shell.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { quantile, table } from './lib/stats.ts';
import { type Place, removeByHand, vxlanByHand } from './lib/vxlan-by-hand.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SECONDS = '2';
const PINGS = 10_000;

const SIDES = ['hosts', 'bridged', 'routed', 'ours'] as const;
type Side = (typeof SIDES)[number];
const LABELS: Record<Side, string> = {
  hosts: 'the hosts themselves, no overlay',
  bridged: 'VXLAN by hand, bridged',
  routed: 'VXLAN by hand, routed',
  ours: 'ours',
};
/** Medians of ours over theirs that we promise ourselves. */
const TARGETS = { routed: 0.98, bridged: 0.9 };

interface Sample {
  readonly gbits: number;
  readonly microseconds: number;
}
type Pair = readonly [from: Place, to: Place];

const byHand = new TestHosts([1500, 1500, 1500, 1500]);
const places: Place[] = [];
const servers: ChildProcess[] = [];
let lab: Lab | undefined;
let markdown: string;
try {
  lab = await Lab.open({ mtus: [1500, 1500], networks: { 210: { isDefault: true } } });
  const handMade = (kind: 'routed' | 'bridged', own: number, other: number): Place => {
    const place = vxlanByHand(kind, byHand, own, other);
    places.push(place);
    return place;
  };
  const routed: Pair = [handMade('routed', 1, 2), handMade('routed', 2, 1)];
  const bridged: Pair = [handMade('bridged', 3, 4), handMade('bridged', 4, 3)];
  const ours: Pair = [await lab.one(1, 210), await lab.one(2, 210)];
  const hostPlace = (number: number): Place => ({ netns: byHand.host(number).netns, address: `192.0.2.${number}` });
  const pairs: Record<Side, Pair> = { hosts: [hostPlace(1), hostPlace(2)], routed, bridged, ours };
  for (const [, to] of Object.values(pairs)) servers.push(await serve(to));
  markdown = report(await measure(pairs));
} finally {
  for (const server of servers) await stop(server);
  for (const place of places) removeByHand(place);
  await lab?.close();
  await byHand.close();
}
writeResult('network', markdown);

async function measure(pairs: Record<Side, Pair>): Promise<Record<Side, Sample[]>> {
  const samples: Record<Side, Sample[]> = { hosts: [], bridged: [], routed: [], ours: [] };
  // The first round fills caches, and isn't counted.
  for (let round = -1; round < ROUNDS; round++) {
    for (let i = 0; i < SIDES.length; i++) {
      const side = SIDES[(i + round + SIDES.length) % SIDES.length] as Side;
      const sample = { microseconds: await roundTrip(pairs[side]), gbits: await throughput(pairs[side]) };
      if (round >= 0) samples[side].push(sample);
    }
    if (round >= 0) console.error(`round ${round + 1} of ${ROUNDS}`);
  }
  return samples;
}

async function throughput([from, to]: Pair): Promise<number> {
  const out = await must(['nsenter', `--net=${from.netns}`, 'iperf3', '-c', to.address, '-t', SECONDS, '-J']);
  const { end } = JSON.parse(out) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

/** One after the other, as fast as they are answered; the mean, with what ping itself takes for each. */
async function roundTrip([from, to]: Pair): Promise<number> {
  const out = await must(['nsenter', `--net=${from.netns}`, 'ping', '-f', '-q', '-c', String(PINGS), to.address]);
  const tookMs = / 0% packet loss, time (\d+)ms/.exec(out)?.[1];
  if (tookMs === undefined) throw new Error(`ping said: ${out}`);
  return (Number(tookMs) * 1000) / PINGS;
}

async function serve({ netns, address }: Place): Promise<ChildProcess> {
  const server = spawn('nsenter', [`--net=${netns}`, 'iperf3', '-s', '-B', address], { stdio: 'ignore' });
  await until('iperf3 to listen', async () => mustRunIn(netns, ['ss', '-Htln', 'sport = :5201']) !== '');
  return server;
}

async function stop(server: ChildProcess): Promise<void> {
  const ended = once(server, 'exit');
  if (server.kill('SIGKILL')) await ended;
}

function report(samples: Record<Side, Sample[]>): string {
  const row = (side: Side, of: (sample: Sample) => number, digits: number): string[] => {
    const values = samples[side].map(of);
    return [LABELS[side], ...[0, 0.25, 0.5, 0.75, 1].map((q) => quantile(values, q).toFixed(digits))];
  };
  // Of each round by itself: what else the machine did then hit both sides.
  const ratio = (side: Side) =>
    quantile(
      samples.ours.map(({ gbits }, round) => gbits / (samples[side][round]?.gbits ?? Number.NaN)),
      0.5,
    );
  const later = (side: Side) =>
    quantile(
      samples.ours.map(({ microseconds }, round) => microseconds - (samples[side][round]?.microseconds ?? Number.NaN)),
      0.5,
    );
  const times = (side: Side) => samples[side].map(({ microseconds }) => microseconds);
  const spread = [0, 1].map((q) => quantile(times('routed'), q).toFixed(1)).join(' to ');
  const percent = (of: number) => `${(of * 100).toFixed(1)} %`;
  return `# Between containers of two hosts

${today()}; ${machine()}. Load average at the end ${loadAverage()}.

${ROUNDS} rounds, all sides in turn in each; underlay and containers on veths of 1,500 and 1,450 bytes. Medians of the rounds' own
comparisons:

${table(
  ['', 'measured', 'target'],
  [
    ['throughput, ours ÷ routed by hand', percent(ratio('routed')), `≥ ${percent(TARGETS.routed)}`],
    ['throughput, ours ÷ bridged by hand', percent(ratio('bridged')), `≥ ${percent(TARGETS.bridged)}`],
    ['round trip, ours', `${quantile(times('ours'), 0.5).toFixed(1)} µs`, `within ${spread} µs, the spread of routed by hand`],
    ['round trip, ours − routed by hand', `${later('routed').toFixed(1)} µs`, ''],
  ],
)}

${table(
  ['Gb/s, one TCP stream', 'min', '25 %', 'median', '75 %', 'max'],
  SIDES.map((side) => row(side, ({ gbits }) => gbits, 1)),
)}

${table(
  ['µs, round trip', 'min', '25 %', 'median', '75 %', 'max'],
  SIDES.map((side) => row(side, ({ microseconds }) => microseconds, 1)),
)}

Rerun: \`node bench/network.ts\` (as root; \`bench/README.md\` says how it is measured).
`;
}
