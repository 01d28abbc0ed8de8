import { setMaxListeners } from 'node:events';
import type { ContainerRecord, RunningTask, TaskRecord } from './record.ts';

/** One container in the engine's memory: its files' content, and who waits for its task's end. */
export class HeldContainer {
  readonly record: ContainerRecord;
  #task: TaskRecord | undefined;
  #ended: AbortController;

  constructor(record: ContainerRecord, task: TaskRecord | undefined) {
    this.record = record;
    this.#task = task;
    this.#ended = unbounded();
    if (task?.phase !== 'running') this.#ended.abort();
  }

  get task(): TaskRecord | undefined {
    return this.#task;
  }

  get running(): RunningTask | undefined {
    return this.#task?.phase === 'running' ? this.#task : undefined;
  }

  /** Aborted while no task runs. A new task has a new signal. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  become(task: TaskRecord | undefined): void {
    const ran = this.running !== undefined;
    this.#task = task;
    if (this.running !== undefined && !ran) this.#ended = unbounded();
    if (this.running === undefined) this.#ended.abort();
  }
}

/** Each follower of the log listens: more than Node's ten are no leak. */
function unbounded(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
