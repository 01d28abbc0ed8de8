/**
 * The buyer: one Run per request, which always ends with exactly one reply.
 *
 *     finding ──accept──▶ launching ──ready──▶ placed
 *        │                    │ refused: a new attempt without that node
 *        └ not found, ≤ 64 members: asking ─▶ reserving ──accept──▶ launching
 *                                                └ nobody left: refused, with everyone's reason
 *
 * Every attempt has a number. What comes late for an older one is answered by a cancel, so that no
 * supplier holds for a run that has moved on.
 */
import { LIMITS } from '../model/index.ts';
import type { Accept, BuyerMessage, CommandId, CoreError, NodeId, Refuse, Request, RequestId, Timer, Turn } from '../model/index.ts';
import { isAmount } from '../model/filter.ts';
import { assertNever } from '../../lib/assert.ts';
import { DirectRound } from './direct.ts';
import { Finds } from './find.ts';
import { CANCELLED, Launches } from './launch.ts';
import { digestOf } from './run.ts';
import type { Run } from './run.ts';
import { Runs } from './runs.ts';
import type { SchedulerOptions } from './runs.ts';

export type { SchedulerOptions } from './runs.ts';

export class Scheduler {
  readonly #runs: Runs;
  readonly #direct: DirectRound;
  readonly #finds: Finds;
  readonly #launches: Launches;

  constructor(options: SchedulerOptions) {
    this.#runs = new Runs(options);
    this.#direct = new DirectRound(this.#runs);
    this.#finds = new Finds(this.#runs, this.#direct);
    this.#launches = new Launches(this.#runs, this.#finds);
  }

  runs(): readonly Request[] {
    return this.#runs.all().map((run) => run.request);
  }

  run(turn: Turn, replyTo: CommandId, request: Request, exclude: readonly NodeId[]): void {
    const refusal = this.#unworkable(request);
    if (refusal !== undefined) return turn.reply(replyTo, { ok: false, error: refusal });
    const run: Run = {
      request,
      replyTo,
      excluded: new Set(exclude),
      specDigest: digestOf(request.spec),
      startedMs: turn.nowMs,
      stage: { kind: 'finding', trader: this.#runs.options.self, token: 0 },
      attempt: 0,
      finds: 0,
      lateLaunches: 0,
      by: 'none',
      messages: 0,
      failed: new Set(),
      launchError: undefined,
      considered: new Map(),
    };
    this.#runs.add(run);
    this.#finds.begin(turn, run);
  }

  cancelRun(turn: Turn, replyTo: CommandId, id: RequestId): void {
    const run = this.#runs.get(id);
    if (run === undefined) {
      const message = `no run of request ${id} is under way on this node`;
      return turn.reply(replyTo, { ok: false, error: { code: 'wrong-state', message, changed: false } });
    }
    if (run.stage.kind === 'launching') this.#launches.cancel(turn, run, run.stage);
    else this.#runs.failed(turn, run, CANCELLED);
    turn.reply(replyTo, { ok: true, kind: 'done' });
  }

  receive(turn: Turn, from: NodeId, message: BuyerMessage): void {
    const run = this.#runs.get(message.kind === 'refuse' ? message.need.requestId : message.requestId);
    if (run !== undefined) run.messages++;
    switch (message.kind) {
      case 'accept':
        return this.#accept(turn, run, from, message);
      case 'refuse':
        return this.#refuse(turn, run, from, message);
      case 'not-found':
        if (run?.stage.kind === 'finding' && message.attempt === run.attempt) this.#finds.notFound(turn, run, message);
        return;
      case 'answer':
        if (run?.stage.kind === 'asking' && message.attempt === run.attempt) this.#direct.answer(turn, run, run.stage, from, message);
        return;
      case 'launched':
        if (run?.stage.kind !== 'launching' || run.stage.supplier !== from || run.request.containerId !== message.containerId) return;
        return this.#launches.launched(turn, run, run.stage, message);
      case 'launch-refused':
        if (run?.stage.kind !== 'launching' || run.stage.supplier !== from || run.request.containerId !== message.containerId) return;
        // A supplier that restarted meanwhile has forgotten the number of the attempt, and says 0.
        if (message.attempt !== run.attempt && message.attempt !== 0) return;
        return this.#launches.refused(turn, run, run.stage, message);
      default:
        return assertNever(message);
    }
  }

  timer(turn: Turn, timer: Timer): void {
    const run = this.#runs.get(timer.key as RequestId);
    if (run === undefined || run.stage.token !== timer.token) return;
    const { stage } = run;
    switch (stage.kind) {
      case 'finding':
        return this.#finds.timedOut(turn, run, stage.trader);
      case 'asking':
        return this.#direct.timedOut(turn, run, stage);
      case 'reserving':
        return this.#direct.reserveTimedOut(turn, run, stage);
      case 'launching':
        return this.#launches.timedOut(turn, run, stage);
      default:
        return assertNever(stage);
    }
  }

  /** A member died or left. */
  memberGone(turn: Turn, id: NodeId, how: 'died' | 'left'): void {
    for (const run of this.#runs.all()) {
      const { stage } = run;
      if (stage.kind === 'finding' && stage.trader === id) this.#finds.begin(turn, run);
      else if (stage.kind === 'asking') this.#direct.gone(turn, run, stage, id);
      else if (stage.kind === 'reserving' && stage.supplier === id) this.#direct.supplierGone(turn, run, stage);
      else if (stage.kind === 'launching' && stage.supplier === id) this.#launches.lost(turn, run, stage, how);
    }
  }

  #accept(turn: Turn, run: Run | undefined, from: NodeId, message: Accept): void {
    const stage = run?.stage;
    if (run !== undefined && stage !== undefined && message.attempt === run.attempt) {
      const wanted =
        (stage.kind === 'finding' && this.#runs.options.member(from) !== undefined && !run.excluded.has(from) && !run.failed.has(from)) ||
        (stage.kind === 'reserving' && stage.supplier === from);
      if (wanted) return this.#launches.begin(turn, run, from, message);
      if (stage.kind === 'launching' && stage.supplier === from) return;
    }
    turn.send(from, { kind: 'cancel', requestId: message.requestId, attempt: message.attempt });
  }

  #refuse(turn: Turn, run: Run | undefined, from: NodeId, message: Refuse): void {
    if (run?.stage.kind !== 'reserving' || run.stage.supplier !== from || message.need.attempt !== run.attempt) return;
    this.#direct.refused(turn, run, run.stage, message);
  }

  #unworkable(request: Request): CoreError | undefined {
    if (this.#runs.size >= LIMITS.runs) {
      const message = `this node works on ${LIMITS.runs} runs already, the most it may; try again later, or on another node`;
      return { code: 'too-many-runs', message, changed: false };
    }
    if (!isAmount(request.resources)) {
      const message = `resources must be whole numbers of millicores and bytes, not below 0, got ${JSON.stringify(request.resources)}`;
      return { code: 'invalid-request', message, changed: false };
    }
    if (this.#runs.get(request.id) === undefined) return undefined;
    return { code: 'wrong-state', message: `request ${request.id} is being worked on already`, changed: false };
  }
}
