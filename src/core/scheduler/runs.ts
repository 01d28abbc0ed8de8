import type { CoreError, Member, Message, NodeId, RequestId, Result, Turn } from '../model/index.ts';
import type { Directory } from '../discovery/directory.ts';
import { placementOf } from './run.ts';
import type { Run } from './run.ts';
import { refusalText } from './refusal-text.ts';
import { DISCOVERY } from '../discovery/tunables.ts';
import type { SchedulerTimes } from './tunables.ts';

export interface SchedulerOptions {
  readonly self: NodeId;
  readonly directory: Directory;
  /** Alive and suspect members, this node among them. */
  readonly alive: () => readonly Member[];
  readonly member: (id: NodeId) => Member | undefined;
  readonly times: SchedulerTimes;
}

/** The runs under way, and what their stages share. */
export class Runs {
  readonly options: SchedulerOptions;
  readonly #runs = new Map<RequestId, Run>();
  #token = 0;

  constructor(options: SchedulerOptions) {
    this.options = options;
  }

  get size(): number {
    return this.#runs.size;
  }

  get(id: RequestId): Run | undefined {
    return this.#runs.get(id);
  }

  all(): readonly Run[] {
    return [...this.#runs.values()];
  }

  add(run: Run): void {
    this.#runs.set(run.request.id, run);
  }

  nameOf(id: NodeId): string {
    return this.options.member(id)?.name ?? id.slice(0, 12);
  }

  send(turn: Turn, run: Run, to: NodeId, message: Message): void {
    run.messages++;
    turn.send(to, message);
  }

  setTimer(turn: Turn, run: Run, afterMs: number): number {
    const token = ++this.#token;
    turn.setTimer({ machine: 'buyer', name: 'run', key: run.request.id, token }, afterMs);
    return token;
  }

  placed(turn: Turn, run: Run, supplier: NodeId): void {
    const { id: requestId, containerId } = run.request;
    const placement = placementOf(run, this.options.self, supplier, turn.nowMs);
    this.#end(turn, run, { ok: true, kind: 'placed', containerId, supplier, placement });
    turn.emit({ kind: 'run-placed', requestId, containerId, supplier, tookMs: placement.tookMs, messages: run.messages });
  }

  /** Ends it with an error; whatever is held for it somewhere is given back. */
  failed(turn: Turn, run: Run, error: CoreError): void {
    const { stage } = run;
    const holder = stage.kind === 'finding' ? stage.trader : stage.kind === 'asking' ? undefined : stage.supplier;
    if (holder !== undefined) this.send(turn, run, holder, { kind: 'cancel', requestId: run.request.id, attempt: run.attempt });
    const placement = placementOf(run, this.options.self, undefined, turn.nowMs);
    this.#end(turn, run, { ok: false, error, placement });
    turn.emit({ kind: 'run-refused', requestId: run.request.id, error, tookMs: placement.tookMs });
  }

  /** Nobody takes it. Where somebody did and could not launch it, that is the answer. */
  refused(turn: Turn, run: Run, direct: boolean): void {
    const alive = new Set(this.options.alive().map(({ id }) => id));
    const nodes = alive.size;
    // Who was asked in an earlier attempt may be gone by now: the counts have to add up.
    const considered = [...run.considered.values()].filter(({ nodeId }) => !direct || alive.has(nodeId));
    const why = refusalText(run.request.resources, considered, { nodes, direct });
    const { launchError } = run;
    const error: CoreError =
      launchError === undefined
        ? { code: 'no-room', message: why, changed: false }
        : { ...launchError, message: run.failed.size < nodes ? `${launchError.message} (and elsewhere: ${why})` : launchError.message };
    this.failed(turn, run, error);
  }

  /** Whether everyone may be asked. */
  get small(): boolean {
    return this.options.alive().length <= DISCOVERY.smallInstance;
  }

  #end(turn: Turn, run: Run, result: Result): void {
    this.#runs.delete(run.request.id);
    turn.reply(run.replyTo, result);
  }
}
