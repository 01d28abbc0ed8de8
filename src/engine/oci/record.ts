import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ContainerId, TaskId } from '../../core/model/index.ts';
import type { ProcessIdentity } from '../../linux/process-identity.ts';
import type { HealthCheck } from '../health/health-check.ts';
import type { ContainerSpec, MountWish } from '../port.ts';
import { syncDirectory } from './images/durable.ts';
import type { ProcessConfig } from './process-config.ts';
import type { RuntimeName } from './runtime.ts';

/** container.json: what `create` settled for good. Its presence makes the container. */
export interface ContainerRecord {
  readonly version: 1;
  readonly id: ContainerId;
  readonly spec: ContainerSpec;
  readonly imageId: string;
  /** The image's unpacked layers, the topmost first; they stay while the container retains the image. */
  readonly layerDirs: readonly string[];
  readonly process: ProcessConfig;
  /** The spec's, and a volume for each `VOLUME` of the image; absent in records of older releases, where there was none. */
  readonly mounts?: readonly MountWish[];
  /** Absent: nobody looks at its health. */
  readonly health?: HealthCheck;
}

/**
 * task.json: how far the newest task got. Written before each step that leaves something behind, so
 * that after a crash it names at least what is there. Absent before the first start.
 */
export type TaskRecord =
  /** Anything may be there: mount, conmon, control group, a process even. */
  | { readonly phase: 'starting'; readonly taskId: TaskId; readonly bootId: string; readonly runtime: RuntimeName }
  | {
      readonly phase: 'running';
      readonly taskId: TaskId;
      readonly bootId: string;
      readonly runtime: RuntimeName;
      readonly init: ProcessIdentity;
      readonly conmon: ProcessIdentity;
      readonly startedAtMs: number;
    }
  | {
      readonly phase: 'exited';
      readonly taskId: TaskId;
      readonly runtime: RuntimeName;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly finishedAtMs: number;
    };
export type RunningTask = Extract<TaskRecord, { phase: 'running' }>;
export type ExitedTask = Extract<TaskRecord, { phase: 'exited' }>;

/** @param durable survives a power cut, at the price of a disk flush */
export async function writeRecord(path: string, record: ContainerRecord | TaskRecord, durable: boolean): Promise<void> {
  const text = JSON.stringify(record);
  const temporary = `${path}.new`;
  if (durable) {
    await writeFile(temporary, text, { flush: true });
  } else {
    await writeFile(temporary, text);
  }
  await rename(temporary, path);
  // The directory itself may be as new as what is in it.
  if (durable) await Promise.all([dirname(path), dirname(dirname(path))].map(syncDirectory));
}

/** undefined where it isn't there, or was cut off by a power cut. */
export async function readRecord<T extends ContainerRecord | TaskRecord>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
