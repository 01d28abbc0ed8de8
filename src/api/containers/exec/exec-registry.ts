import type { ContainerId, NodeId, TaskId } from '../../../core/model/index.ts';
import { EngineError, type RunningExec, type TerminalSize } from '../../../engine/port.ts';
import type { Backend } from '../../backend.ts';
import type { Fact } from '../../events/fact.ts';
import { ApiError, fromEngineError } from '../../http/api-error.ts';
import { API_LIMITS } from '../../limits.ts';
import { exitCodeOfFailure } from '../status.ts';
import type { ExecWish } from './exec-wish.ts';

export type ExecState =
  | { readonly kind: 'created' | 'starting' }
  | { readonly kind: 'running'; readonly process: RunningExec }
  | { readonly kind: 'ended'; readonly exitCode: number; readonly pid: number; readonly endedAtMs: number };

/** One process that was, or is to be, run in a container of this node. */
export interface Exec {
  /** 64 hex digits. */
  readonly id: string;
  readonly container: ContainerId;
  /** The run of the container that it belongs to: with its end it can't be started any more. */
  readonly task: TaskId;
  readonly wish: ExecWish;
  /** Given before its start. */
  readonly size: TerminalSize | undefined;
  readonly state: ExecState;
}

const NODE_DIGITS = 32;

/** An exec's id ends in its node's: whoever is asked for it knows whom to ask. */
export const nodeOfExec = (id: string): NodeId | undefined => (/^[0-9a-f]{64}$/.test(id) ? (id.slice(-NODE_DIGITS) as NodeId) : undefined);

export const noSuchExec = (id: string): ApiError => new ApiError(404, `No such exec instance: ${id.slice(0, 80)}`);

/** What `docker exec` asked of this node, until it is of no use to anyone any more. Lost with the daemon; the processes go on. */
export class ExecRegistry {
  readonly #backend: Backend;
  readonly #note: (fact: Fact) => void;
  readonly #execs = new Map<string, Exec>();

  constructor(backend: Backend, note: (fact: Fact) => void) {
    this.#backend = backend;
    this.#note = note;
  }

  /** For the container's present run. @throws ApiError 409, 503 */
  create(container: ContainerId, wish: ExecWish): Exec {
    const task = this.#runningTask(container);
    this.#makeRoom();
    const id = `${this.#backend.randomHex(NODE_DIGITS / 2)}${this.#backend.self().id}`;
    const exec: Exec = { id, container, task, wish, size: wish.spec.terminalSize, state: { kind: 'created' } };
    this.#execs.set(id, exec);
    this.#tell(exec, `exec_create: ${wish.spec.argv.join(' ')}`);
    return exec;
  }

  /** @throws ApiError 404 */
  get(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined || this.#isStale(exec)) {
      this.#execs.delete(id);
      throw noSuchExec(id);
    }
    return exec;
  }

  /** Those of a container that have not ended. */
  idsOf(container: ContainerId): readonly string[] {
    return [...this.#execs.values()]
      .filter((exec) => exec.container === container && exec.state.kind !== 'ended' && !this.#isStale(exec))
      .map(({ id }) => id);
  }

  /** @throws ApiError 409 (ran already; its container does not run) */
  mayStart({ id, container }: Exec): void {
    const { kind } = this.get(id).state;
    if (kind !== 'created') throw new ApiError(409, `exec command ${id} ${kind === 'ended' ? 'has already run' : 'is already running'}`);
    this.#runningTask(container);
  }

  /** Runs it. @throws ApiError 409 (ran already; its container does not run), EngineError where it can't be run: it has ended then */
  async start(exec: Exec, size: TerminalSize | undefined): Promise<RunningExec> {
    this.mayStart(exec);
    const { id, wish, container } = exec;
    this.#set(id, { kind: 'starting' });
    const terminalSize = wish.spec.tty ? (size ?? exec.size) : undefined;
    try {
      const process = await this.#backend.access.exec(container, {
        ...wish.spec,
        ...(terminalSize === undefined ? {} : { terminalSize }),
      });
      this.#set(id, { kind: 'running', process });
      // What was said of its terminal meanwhile.
      const last = this.#execs.get(id)?.size;
      if (last !== exec.size && last !== undefined) await process.resize(last).catch(() => undefined);
      this.#tell(exec, `exec_start: ${wish.spec.argv.join(' ')}`);
      void process.exitCode.then((exitCode) => this.#ended(exec, exitCode, process.pid));
      return process;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'wrong-state') {
        this.#set(id, { kind: 'created' });
        throw fromEngineError(error);
      }
      this.#ended(exec, failureCode(String(error)), 0);
      throw error;
    }
  }

  /** @throws ApiError 400 where it has ended */
  async resize(exec: Exec, size: TerminalSize): Promise<void> {
    const { state } = exec;
    if (state.kind === 'ended') throw new ApiError(400, `exec process ${exec.id} is not running`);
    if (state.kind === 'running') await state.process.resize(size);
    else this.#execs.set(exec.id, { ...exec, size });
  }

  detached(exec: Exec): void {
    this.#tell(exec, 'exec_detach');
  }

  #ended(exec: Exec, exitCode: number, pid: number): void {
    this.#set(exec.id, { kind: 'ended', exitCode, pid, endedAtMs: this.#backend.wallMs() });
    this.#tell(exec, 'exec_die', { exitCode: String(exitCode) });
  }

  #tell({ container, id }: Exec, action: string, attributes: Readonly<Record<string, string>> = {}): void {
    this.#note({ type: 'container', action, id: container, attributes: { execID: id, ...attributes } });
  }

  #set(id: string, state: ExecState): void {
    const exec = this.#execs.get(id);
    if (exec !== undefined) this.#execs.set(id, { ...exec, state });
  }

  #runningTask(id: ContainerId): TaskId {
    const task = this.#backend.container(id)?.task;
    if (task?.state !== 'running') throw new ApiError(409, `Container ${id} is not running`);
    if (task.paused === true) throw new ApiError(409, `Container ${id} is paused, unpause the container before exec`);
    return task.id;
  }

  /** Nobody can want it any more: its container is gone, or runs no longer as it did, or it ended a while ago. */
  #isStale({ container, task, state }: Exec): boolean {
    if (this.#backend.container(container) === undefined) return true;
    if (state.kind === 'ended') return this.#backend.wallMs() - state.endedAtMs > API_LIMITS.execKeptMs;
    const now = this.#backend.container(container)?.task;
    return state.kind === 'created' && (now?.id !== task || now.state !== 'running');
  }

  /** @throws ApiError 503 */
  #makeRoom(): void {
    if (this.#execs.size < API_LIMITS.execs) return;
    for (const exec of this.#execs.values()) if (this.#isStale(exec)) this.#execs.delete(exec.id);
    const kinds = ['ended', 'created'] as const;
    for (const kind of kinds) {
      if (this.#execs.size < API_LIMITS.execs) return;
      const oldest = [...this.#execs.values()].find(({ state }) => state.kind === kind);
      if (oldest !== undefined) this.#execs.delete(oldest.id);
    }
    if (this.#execs.size >= API_LIMITS.execs) {
      throw new ApiError(503, `${API_LIMITS.execs} exec processes run on this node already; wait until one has ended`);
    }
  }
}

/** Docker's: 127 where there is no such program, else 126. */
const failureCode = (message: string): number => (exitCodeOfFailure(message) === 127 ? 127 : 126);
