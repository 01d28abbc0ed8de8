import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TrialResult } from '../../src/sim/workloads/trial-result.ts';

/** A run of the trial command. */
export interface Job {
  readonly label: string;
  readonly args: readonly string[];
}

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'sim', 'main.ts');
/** Ran, but an ask was lost or a node oversold: its results say so. */
const RAN = [0, 1];

/**
 * Runs the jobs in their order, `side` by side, each a process of its own. `onDone` is called as each ends well;
 * one that fails does not keep the others from running.
 *
 * @returns the labels of those that failed
 */
export async function runJobs<T extends Job>(
  jobs: readonly T[],
  side: number,
  onDone: (job: T, results: readonly TrialResult[]) => void,
): Promise<readonly string[]> {
  const failed: string[] = [];
  const waiting = [...jobs];
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      try {
        onDone(job, await runJob(job));
        console.error(`${job.label}: done, ${waiting.length} waiting`);
      } catch (error) {
        failed.push(job.label);
        console.error((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: side }, work));
  return failed;
}

async function runJob({ label, args }: Job): Promise<readonly TrialResult[]> {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-trial-'));
  try {
    const child = spawn(process.execPath, [MAIN, 'trial', ...args, '--out', dir], { stdio: ['ignore', 'ignore', 'pipe'] });
    createInterface(child.stderr).on('line', (line) => console.error(`${label}: ${line}`));
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code === null || !RAN.includes(code)) throw new Error(`${label}: the trial ended with code ${code}`);
    const file = readdirSync(dir).find((name) => name.endsWith('.json'));
    if (file === undefined) throw new Error(`${label}: the trial left no results in ${dir}`);
    return JSON.parse(readFileSync(join(dir, file), 'utf8')) as readonly TrialResult[];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
