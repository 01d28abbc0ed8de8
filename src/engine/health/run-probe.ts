import type { ContainerId } from '../../core/model/index.ts';
import type { HealthProbe, RunningExec } from '../port.ts';
import type { HealthCheck } from './health-check.ts';
import { goDuration } from './go-duration.ts';

/** A check's process. */
export interface ProbeExec extends RunningExec {
  /** Ends it, not its container. */
  kill(): void;
}

/** What checks are run by. */
export type ProbeRunner = (id: ContainerId, argv: HealthCheck['argv']) => Promise<ProbeExec>;

const OUTPUT_BYTES = 4096;

/** Runs one check. Never rejects: what went wrong is its result. */
export async function runProbe(runner: ProbeRunner, id: ContainerId, { argv, timeoutMs }: HealthCheck): Promise<HealthProbe> {
  const startedAtMs = Date.now();
  const ended = (exitCode: number, output: string): HealthProbe => ({ startedAtMs, endedAtMs: Date.now(), exitCode, output });
  const starting = runner(id, argv);
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs).unref();
  try {
    const result = await Promise.race([starting.then(resultOf), late.promise]);
    if (result !== undefined) return ended(result.exitCode, result.output);
    // It may not even have begun yet.
    starting.then((exec) => exec.kill()).catch(() => undefined);
    return ended(-1, `Health check exceeded timeout (${goDuration(timeoutMs)})`);
  } catch (error) {
    return ended(-1, error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** All output is read, so that it holds nothing up; the first of it is kept. */
async function resultOf(exec: RunningExec): Promise<{ readonly exitCode: number; readonly output: string }> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const { data } of exec.output) {
    if (bytes < OUTPUT_BYTES) kept.push(data.subarray(0, OUTPUT_BYTES - bytes));
    bytes += data.length;
  }
  return { exitCode: await exec.exitCode, output: Buffer.concat(kept).toString() };
}
