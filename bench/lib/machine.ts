import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** What a result was measured on: goes into every results file. */
export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown CPU';
  const version = (program: string, ...args: string[]) => {
    try {
      return execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0]?.trim() ?? '';
    } catch {
      return `${program}: not here`;
    }
  };
  return [
    `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`,
    `${version('runc', '--version')}, ${version('crun', '--version')}, ${version('conmon', '--version')}`,
  ].join('; ');
}

export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Over 1, 5 and 15 minutes: how much a result is to be trusted. */
export function loadAverage(): string {
  return loadavg()
    .map((load) => load.toFixed(1))
    .join(', ');
}
