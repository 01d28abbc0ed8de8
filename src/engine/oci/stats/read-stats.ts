import { readFile, readlink } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { ContainerId } from '../../../core/model/index.ts';
import { controllerDir } from '../../../linux/cgroup.ts';
import { isAlive } from '../../../linux/process-identity.ts';
import type { ContainerStats } from '../../port.ts';
import { cgroupOf, type Host } from '../host.ts';
import type { RunningTask } from '../record.ts';
import { blkio, count, counts, ioStat, netDev, systemTime, ticksToNs } from './kernel-text.ts';

type Cpu = Omit<ContainerStats['cpu'], 'systemNs' | 'onlineCpus'>;
type Read = (controller: string, file: string) => Promise<string>;

/** A running task's, straight from the kernel's files: some 30 us, where the runtime takes 7 ms. undefined: it has ended. */
export async function readStats(
  host: Pick<Host, 'trees' | 'cgroupParent'>,
  id: ContainerId,
  { init }: Pick<RunningTask, 'init'>,
): Promise<ContainerStats | undefined> {
  const group = cgroupOf(host, id);
  const read: Read = async (controller, file) => {
    const dir = controllerDir(host.trees, controller, group);
    return dir === undefined ? '' : text(join(dir, file));
  };
  const v2 = host.trees.version === 2;
  const [cpu, system, memory, current, limit, blockIo, networks] = await Promise.all([
    v2 ? cpuV2(read) : cpuV1(read),
    text('/proc/stat').then(systemTime),
    memoryOf(read, v2),
    read('pids', 'pids.current'),
    read('pids', 'pids.max'),
    v2
      ? read('io', 'io.stat').then(ioStat)
      : Promise.all([read('blkio', 'blkio.throttle.io_service_bytes'), read('blkio', 'blkio.throttle.io_serviced')]).then(
          ([bytes, operations]) => blkio(bytes, operations),
        ),
    networksOf(init.pid),
  ]);
  // Asked last: until now its pid was its own.
  if (!isAlive(init)) return undefined;
  return { cpu: { ...cpu, ...system }, memory, pids: { current: count(current) ?? 0, limit: count(limit) ?? 0 }, blockIo, networks };
}

async function cpuV2(read: Read): Promise<Cpu> {
  const all = counts(await read('cpu', 'cpu.stat'));
  const ns = (name: string): number => (all[name] ?? 0) * 1_000;
  return {
    usageNs: ns('usage_usec'),
    userNs: ns('user_usec'),
    kernelNs: ns('system_usec'),
    periods: all['nr_periods'] ?? 0,
    throttledPeriods: all['nr_throttled'] ?? 0,
    throttledNs: ns('throttled_usec'),
  };
}

async function cpuV1(read: Read): Promise<Cpu> {
  const [usage, perCpu, user, kernel, ticks, bandwidth] = await Promise.all([
    read('cpuacct', 'cpuacct.usage'),
    read('cpuacct', 'cpuacct.usage_percpu'),
    read('cpuacct', 'cpuacct.usage_user'),
    read('cpuacct', 'cpuacct.usage_sys'),
    read('cpuacct', 'cpuacct.stat').then(counts),
    read('cpu', 'cpu.stat').then(counts),
  ]);
  return {
    usageNs: count(usage) ?? 0,
    perCpuNs: perCpu.split(' ').flatMap((each) => count(each) ?? []),
    userNs: count(user) ?? ticksToNs(ticks['user'] ?? 0),
    kernelNs: count(kernel) ?? ticksToNs(ticks['system'] ?? 0),
    periods: bandwidth['nr_periods'] ?? 0,
    throttledPeriods: bandwidth['nr_throttled'] ?? 0,
    throttledNs: bandwidth['throttled_time'] ?? 0,
  };
}

async function memoryOf(read: Read, v2: boolean): Promise<ContainerStats['memory']> {
  const [usage, limit, details] = await Promise.all([
    read('memory', v2 ? 'memory.current' : 'memory.usage_in_bytes'),
    read('memory', v2 ? 'memory.max' : 'memory.limit_in_bytes'),
    read('memory', 'memory.stat').then(counts),
  ]);
  // v1 has no word for "none": a number beyond every memory.
  return { usage: count(usage) ?? 0, limit: Math.min(count(limit) ?? Infinity, totalmem()), details };
}

/** Those of its network namespace; with the host's they would say nothing of it. */
async function networksOf(pid: number): Promise<ContainerStats['networks']> {
  const [own, its] = await Promise.all(['self', pid].map((each) => readlink(`/proc/${each}/ns/net`).catch(() => '')));
  return own === its || its === '' ? {} : netDev(await text(`/proc/${pid}/net/dev`));
}

const text = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');
