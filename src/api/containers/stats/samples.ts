import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerId } from '../../../core/model/index.ts';
import type { Backend } from '../../backend.ts';
import { API_LIMITS } from '../../limits.ts';
import { type Measured, statsSample } from './sample.ts';

export interface SamplesOptions {
  /** One after the other, until the container is removed; else one. */
  readonly stream: boolean;
  /** The one without a moment before to compare it with: its CPU share can't be told. */
  readonly oneShot: boolean;
  readonly signal: AbortSignal;
}

/** Docker's stream of statistics, a JSON a line. @throws EngineError before the first */
export async function* statsLines(backend: Backend, id: ContainerId, { stream, oneShot, signal }: SamplesOptions): AsyncGenerator<Buffer> {
  let before: Measured | undefined;
  for (let n = 0; !signal.aborted; n++) {
    const container = backend.container(id);
    if (container === undefined) return;
    const now: Measured = { atMs: backend.wallMs(), stats: await backend.access.stats(id) };
    // Of what does not run there is nothing to compare.
    if (stream || oneShot || n > 0 || now.stats === undefined) {
      const { cgroupVersion } = backend.host();
      yield Buffer.from(`${JSON.stringify(statsSample(now, before, { id, name: container.name, cgroupVersion }))}\n`);
      if (!stream) return;
    }
    before = now;
    await sleep(API_LIMITS.statsEveryMs, undefined, { signal }).catch(() => undefined);
  }
}
