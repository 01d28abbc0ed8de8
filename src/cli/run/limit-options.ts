import type { Command } from 'commander';
import type { HostConfig, Ulimit } from '../../docker-api/types.ts';
import { parseSize } from '../../lib/size.ts';
import { integer, value } from '../commands/options.ts';
import { parseSwap } from '../parse/swap.ts';
import { parseUlimit } from '../parse/ulimit.ts';
import { gather } from './gather.ts';

/** Limits beside --cpus and --memory that may be changed later, as commander gives them. */
export interface ShareOptions {
  readonly cpuShares?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly memoryReservation?: number;
  readonly memorySwap?: number;
  readonly pidsLimit?: number;
}

/** Those that only `run` and `container create` know, too. */
export interface LimitOptions extends ShareOptions {
  readonly memorySwappiness?: number;
  readonly oomScoreAdj?: number;
  readonly oomKillDisable?: boolean;
  readonly ulimit?: readonly Ulimit[];
}

const MOST_US = 1_000_000_000;

export function addShareOptions(command: Command): Command {
  return command
    .option('-c, --cpu-shares <n>', 'its weight where CPUs are short', integer(0, 262_144))
    .option('--cpu-period <µs>', 'of the scheduler', integer(0, MOST_US))
    .option('--cpu-quota <µs>', 'what it gets of a period', integer(-1, MOST_US))
    .option('--cpuset-cpus <list>', 'only these CPUs: 0-2, 0,3')
    .option('--cpuset-mems <list>', 'only the memory of these NUMA nodes of its host')
    .option('--memory-reservation <size>', 'what it is brought down to where memory is short', value(parseSize))
    .option('--memory-swap <size>', 'memory and swap together; -1: swap without limit', value(parseSwap))
    .option('--pids-limit <n>', 'at most so many processes; -1: any number', integer(-1, 4_194_304));
}

export function addLimitOptions(command: Command): void {
  addShareOptions(command)
    .option('--memory-swappiness <percent>', 'how readily its memory is swapped out', integer(-1, 100))
    .option('--oom-score-adj <n>', 'how likely it is to be killed where memory runs out', integer(-1_000, 1_000))
    .option('--oom-kill-disable', 'where its memory runs out it waits')
    .option('--ulimit <limit>', 'of each process: nofile=1024:2048', gather(parseUlimit));
}

export function sharesHost(options: ShareOptions): HostConfig {
  const { cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems, memoryReservation, memorySwap, pidsLimit } = options;
  return {
    ...(cpuShares === undefined ? {} : { CpuShares: cpuShares }),
    ...(cpuPeriod === undefined ? {} : { CpuPeriod: cpuPeriod }),
    ...(cpuQuota === undefined ? {} : { CpuQuota: cpuQuota }),
    ...(cpusetCpus === undefined ? {} : { CpusetCpus: cpusetCpus }),
    ...(cpusetMems === undefined ? {} : { CpusetMems: cpusetMems }),
    ...(memoryReservation === undefined ? {} : { MemoryReservation: memoryReservation }),
    ...(memorySwap === undefined ? {} : { MemorySwap: memorySwap }),
    ...(pidsLimit === undefined ? {} : { PidsLimit: pidsLimit }),
  };
}

export function limitsHost(options: LimitOptions): HostConfig {
  const { memorySwappiness, oomScoreAdj, oomKillDisable, ulimit } = options;
  return {
    ...sharesHost(options),
    ...(memorySwappiness === undefined ? {} : { MemorySwappiness: memorySwappiness }),
    ...(oomScoreAdj === undefined ? {} : { OomScoreAdj: oomScoreAdj }),
    ...(oomKillDisable === undefined ? {} : { OomKillDisable: oomKillDisable }),
    ...(ulimit === undefined ? {} : { Ulimits: [...ulimit] }),
  };
}
