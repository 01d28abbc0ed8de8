import { setMaxListeners } from 'node:events';
import type { FanOptions } from '../output-fan.ts';
import type { ContainerRecord, RunningTask, TaskRecord } from './record.ts';
import { TaskStreams } from './task-streams.ts';

/** One container in the engine's memory: its files' content, and who waits for its task's end or looks at its output. */
export class HeldContainer {
  #record: ContainerRecord;
  #task: TaskRecord | undefined;
  #ended: AbortController;
  #streams: TaskStreams | undefined;

  constructor(record: ContainerRecord, task: TaskRecord | undefined) {
    this.#record = record;
    this.#task = task;
    this.#ended = unbounded();
    if (task?.phase !== 'running') this.#ended.abort();
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  /** What was written down of it is different now. */
  amend(record: ContainerRecord): void {
    this.#record = record;
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

  /** Of the running task; of the next one where none runs. */
  streams(fan: FanOptions): TaskStreams {
    if (this.#streams === undefined || this.#streams.isOver) this.#streams = new TaskStreams(this.record.spec, fan);
    return this.#streams;
  }

  /** Those of `streams`, where anybody has asked for them. */
  get openStreams(): TaskStreams | undefined {
    return this.#streams;
  }

  become(task: TaskRecord | undefined): void {
    const ran = this.running !== undefined;
    this.#task = task;
    if (this.running !== undefined && !ran) this.#ended = unbounded();
    if (this.running === undefined) this.#ended.abort();
    // Its last output may still be on its way: its streams end by themselves.
    if (ran && this.running === undefined) this.#streams = undefined;
  }
}

/** Each follower of the log listens: more than Node's ten are no leak. */
function unbounded(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
