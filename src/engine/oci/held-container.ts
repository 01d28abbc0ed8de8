import type { ContainerRecord, RunningTask, TaskRecord } from './record.ts';

/** One container in the engine's memory: its files' content, and who waits for its task's end. */
export class HeldContainer {
  readonly record: ContainerRecord;
  #task: TaskRecord | undefined;
  #ended: AbortController;

  constructor(record: ContainerRecord, task: TaskRecord | undefined) {
    this.record = record;
    this.#task = task;
    this.#ended = new AbortController();
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
    if (this.running !== undefined && !ran) this.#ended = new AbortController();
    if (this.running === undefined) this.#ended.abort();
  }
}
