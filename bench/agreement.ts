/**
 * What agreement costs, and how long it stands still when its leader dies.
 *
 *   node bench/agreement.ts [kills]
 *
 * Fail-over: three members in network namespaces, with the timers of use; the leader's etcd is killed (-9) and started
 * again by its supervisor, while a client on another member writes: from the kill to the acknowledgement of the first
 * write that was begun after it. Cost: three daemons of an instance, all of them members and idle, a minute after the
 * last became one; processor time and memory of daemon and etcd together, and etcd's fsyncs by strace(1).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgreementStatus } from '../src/api/agreement-service.ts';
import { AgreementLab, type AgreementNode } from '../test/lab/agreement-lab.ts';
import { allAlive } from '../test/lab/instance.ts';
import { Lab } from '../test/lab/lab.ts';
import type { LabHost } from '../test/lab/lab-host.ts';
import { shell, until } from '../test/lab/shell.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { summary, table } from './lib/stats.ts';

const KILLS = Number(process.argv[2] ?? 30);
const CONNECTED_MS = 2_000;
const SETTLE_MS = 60_000;
const MEASURE_MS = 60_000;
const TRACE_SECONDS = 20;
const TICKS_PER_SECOND = 100;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function failOvers(): Promise<readonly number[]> {
  const net = new Lab({ name: 'crvfail', hosts: 3, dir: '/tmp/crvfail', subnet: '10.79.7' });
  let lab: AgreementLab | undefined;
  try {
    await net.up();
    lab = await AgreementLab.create({
      dir: '/tmp/crvfail/nodes',
      nodes: 3,
      ipOf: (n) => net.host(n + 1).ip,
      etcdCommandOf: (n) => ['nsenter', `--net=/run/netns/${net.host(n + 1).netns}`, 'etcd'],
    });
    await lab.up(3);
    const times: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      // The one that was killed is back, which takes longer each time that it dies young, and all have been connected for a while.
      await until('all three to be up', async () => (await lab!.nodes[0]!.host.status()).members.filter(isUp).length === 3, 60_000);
      await sleep(CONNECTED_MS);
      const leader = await lab.leader();
      times.push(await failOver(leader, lab.nodes.find((node) => node !== leader)!, kill));
    }
    return times;
  } finally {
    await lab?.down();
    await net.down();
  }
}

const isUp = ({ role }: { readonly role: string }): boolean => role === 'leader' || role === 'follower';

async function failOver(leader: AgreementNode, writer: AgreementNode, kill: number): Promise<number> {
  const killedMs = performance.now();
  leader.killEtcd();
  for (;;) {
    const written = writer.store.transact({ when: [], then: [{ put: 'bench', value: String(kill) }] });
    if ((await written.catch(() => undefined))?.committed === true) return performance.now() - killedMs;
  }
}

interface Cost {
  readonly daemonRssMb: number;
  readonly etcdRssMb: number;
  readonly daemonCpuPercent: number;
  readonly etcdCpuPercent: number;
}

async function costs(): Promise<{ readonly members: readonly Cost[]; readonly fsyncs: string }> {
  const lab = new Lab({ name: 'crvmemb', hosts: 3, dir: '/tmp/crvmemb', subnet: '10.79.8' });
  try {
    await lab.up();
    const first = lab.host(1);
    await first.ok(['create', first.ip, '--name', first.name]);
    const { token } = JSON.parse(await first.ok(['token', 'create', '--format', 'json'])) as { token: string };
    for (const host of lab.hosts.slice(1)) await host.ok(['join', host.ip, first.ip, '--name', host.name, '--token', token]);
    await allAlive(first, 3);
    await until(
      'three members',
      async () => {
        const { members } = JSON.parse(await first.ok(['agreement', 'status', '--format', 'json'])) as AgreementStatus;
        return members.filter(isUp).length === 3;
      },
      90_000,
    );
    await sleep(SETTLE_MS);
    const before = lab.hosts.map(reading);
    await sleep(MEASURE_MS);
    const after = lab.hosts.map(reading);
    return { members: after.map((now, i) => costOf(before[i]!, now)), fsyncs: await fsyncs(lab.hosts) };
  } finally {
    await lab.down();
  }
}

const etcdPid = (host: LabHost): number =>
  (JSON.parse(readFileSync(join(host.dataDir, 'agreement', 'etcd.process'), 'utf8')) as { readonly pid: number }).pid;

interface Reading {
  readonly atMs: number;
  readonly daemon: { readonly rssKb: number; readonly ticks: number };
  readonly etcd: { readonly rssKb: number; readonly ticks: number };
}

function reading(host: LabHost): Reading {
  const pid = host.daemonPid();
  if (pid === undefined) throw new Error(`the daemon of ${host.name} is gone`);
  return { atMs: performance.now(), daemon: usage(pid), etcd: usage(etcdPid(host)) };
}

function usage(pid: number): { readonly rssKb: number; readonly ticks: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { rssKb, ticks: Number(fields[11]) + Number(fields[12]) };
}

function costOf(before: Reading, after: Reading): Cost {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const percent = (ticks: number) => (ticks / TICKS_PER_SECOND / seconds) * 100;
  return {
    daemonRssMb: after.daemon.rssKb / 1_024,
    etcdRssMb: after.etcd.rssKb / 1_024,
    daemonCpuPercent: percent(after.daemon.ticks - before.daemon.ticks),
    etcdCpuPercent: percent(after.etcd.ticks - before.etcd.ticks),
  };
}

/** Calls of all members together; they cost far more under strace, so this comes last. */
async function fsyncs(hosts: readonly LabHost[]): Promise<string> {
  if (!existsSync('/usr/bin/strace')) return 'not counted: strace is not installed';
  const counted = await Promise.all(
    hosts.map(async (host) => {
      const trace = ['strace', '-f', '-e', 'trace=fsync,fdatasync', '-p', String(etcdPid(host))];
      const { stderr } = await shell(['timeout', '-s', 'INT', String(TRACE_SECONDS), ...trace]);
      return stderr.split('\n').filter((line) => /\bf(?:data)?sync\(/.test(line)).length;
    }),
  );
  return `${counted.join(', ')} in ${TRACE_SECONDS} s (fsync and fdatasync, each member)`;
}

const times = await failOvers();
console.error(`fail-over: ${times.map((time) => time.toFixed(0)).join(' ')} ms`);
const { members, fsyncs: idleFsyncs } = await costs();
const figures = summary(times);
const sum = (cost: Cost) => [cost.daemonRssMb + cost.etcdRssMb, cost.daemonCpuPercent + cost.etcdCpuPercent] as const;
const rows = members.map((cost, n) => [
  `member ${n + 1}`,
  cost.daemonRssMb.toFixed(1),
  cost.etcdRssMb.toFixed(1),
  sum(cost)[0].toFixed(1),
  cost.daemonCpuPercent.toFixed(2),
  cost.etcdCpuPercent.toFixed(2),
  sum(cost)[1].toFixed(2),
]);
writeResult(
  'agreement',
  `# Agreement

${today()}. ${machine()}. Load average at the end: ${loadAverage()}.

Leader killed (-9) → next committed write, from another member, ms; three members, heartbeat 100, election 1,000 ms:

${table(
  ['kills', 'min', 'median', 'p95', 'max'],
  [[String(figures.runs), ...[figures.min, figures.median, figures.p95, figures.max].map((each) => each.toFixed(0))]],
)}

A member of three that has nothing to do, over ${MEASURE_MS / 1_000} s; target: at most 180 MB and 1.5 % of a core, daemon included:

${table(['', 'daemon RSS MB', 'etcd RSS MB', 'sum', 'daemon CPU %', 'etcd CPU %', 'sum'], rows)}

Idle fsyncs: ${idleFsyncs}.
`,
);
