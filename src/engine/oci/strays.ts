import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import type { EnginePaths } from './engine-paths.ts';
import { RUNTIME_NAMES } from './runtime.ts';

/**
 * Processes that a killed daemon left in the middle of something: runtime commands and conmons of this
 * engine, those of containers and of execs. They name our directories on their command lines, which no other engine's do.
 */
export interface Stray {
  readonly process: ProcessIdentity;
  readonly kind: 'runtime' | 'conmon' | 'exec';
  readonly argv: readonly string[];
}

const RUNTIMES: readonly string[] = RUNTIME_NAMES;

export function findStrays(paths: EnginePaths): Stray[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Stray[] => {
      const argv = commandLine(name);
      const program = basename(argv[0] ?? '');
      const process = identify(Number(name));
      if (process === undefined) return [];
      if (program === 'conmon' && argv.includes(paths.exits)) return [{ process, kind: 'conmon', argv }];
      if (program === 'conmon' && argv.some((each) => each.startsWith(`${paths.execs}/`))) return [{ process, kind: 'exec', argv }];
      const root = argv[argv.indexOf('--root') + 1] ?? '';
      if (RUNTIMES.includes(program) && root.startsWith(`${paths.runtimes}/`)) return [{ process, kind: 'runtime', argv }];
      return [];
    });
}

/** Kills them and waits until they are gone. */
export async function endStrays(strays: readonly Stray[]): Promise<void> {
  for (const { process } of strays) signalProcess(process, SIGKILL);
  while (strays.some(({ process }) => isAlive(process))) await delay(2);
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
