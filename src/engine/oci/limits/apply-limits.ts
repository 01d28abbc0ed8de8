import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContainerId, shortId } from '../../../core/model/index.ts';
import { controllerDir } from '../../../linux/cgroup.ts';
import { hasCode } from '../../../linux/system-error.ts';
import { type ContainerLimits, type ContainerSpec, EngineError } from '../../port.ts';
import { cgroupOf, type Host } from '../host.ts';
import { count, counts } from '../stats/kernel-text.ts';
import { limits as taskLimits } from '../runtime-spec-resources.ts';
import { type LimitWrite, limitWrites } from './limit-writes.ts';

/**
 * Gives a running container other limits, all or none. @param spec with the limits in it
 * @returns how to take them back. @throws EngineError where the kernel refuses one: then all are as they were
 */
export async function applyLimits(
  host: Pick<Host, 'trees' | 'cgroupParent' | 'swapLimit' | 'log'>,
  id: ContainerId,
  limits: ContainerLimits,
  spec: ContainerSpec,
): Promise<() => Promise<void>> {
  const group = cgroupOf(host, id);
  const pathOf = ({ controller, file }: Pick<LimitWrite, 'controller' | 'file'>): string =>
    join(controllerDir(host.trees, controller, group) ?? '/nonexistent', file);
  const read = (file: string): Promise<string> => readFile(pathOf({ controller: 'memory', file }), 'latin1').catch(() => '');
  const { version } = host.trees;
  const memoryNow = version === 1 ? (count(await read('memory.limit_in_bytes')) ?? Infinity) : Infinity;
  if (limits.memoryBytes !== undefined && limits.memoryBytes > 0) await refuseBelowUsage(id, limits.memoryBytes, version, read);
  const done: { readonly path: string; readonly before: string }[] = [];
  const takeBack = async (): Promise<void> => {
    for (const { path, before } of done.toReversed()) {
      await writeFile(path, before.trim()).catch((error: unknown) =>
        host.log('warn', `${path} can't be set back to ${before.trim()}: ${String(error)}`),
      );
    }
  };
  const resources = taskLimits({ spec, cgroupVersion: version, swapLimit: host.swapLimit });
  for (const write of limitWrites(version, memoryNow, { limits, resources, swap: host.swapLimit })) {
    const path = pathOf(write);
    try {
      const before = await readFile(path, 'latin1');
      await writeFile(path, write.value);
      done.push({ path, before });
    } catch (error) {
      await takeBack();
      throw refusal(id, write, error);
    }
  }
  return takeBack;
}

/** What can't be reclaimed would be killed on v2, and on v1 the kernel takes its time to say no. */
async function refuseBelowUsage(id: ContainerId, limit: number, version: 1 | 2, read: (file: string) => Promise<string>): Promise<void> {
  const usage = count(await read(version === 1 ? 'memory.usage_in_bytes' : 'memory.current')) ?? 0;
  const details = counts(await read('memory.stat'));
  const reclaimable = (version === 1 ? details['total_inactive_file'] : details['inactive_file']) ?? 0;
  const held = usage - reclaimable;
  if (held <= limit) return;
  throw new EngineError(
    'wrong-state',
    `container ${shortId(id)} uses ${held} bytes of memory: a limit of ${limit} is below that; stop it first, or free some in it`,
  );
}

function refusal(id: ContainerId, { controller, file, value }: LimitWrite, error: unknown): EngineError {
  if (hasCode(error, 'ENOENT')) {
    return new EngineError(
      'engine-failed',
      `container ${shortId(id)} can't be limited by ${file}: this node's kernel has no controller ${controller} for it`,
    );
  }
  const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new EngineError(
    'engine-failed',
    `the kernel refuses ${value} for ${file} of container ${shortId(id)} (${why}): its limits stay as they were`,
  );
}
