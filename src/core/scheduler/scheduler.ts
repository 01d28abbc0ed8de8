/**
 * The buyer: one Run per request, which always ends with exactly one reply.
 *
 *     finding ──accept──▶ launching ──ready──▶ placed
 *        │                    │ refused: a new attempt without that node
 *        └ not found, ≤ 64 members: asking ─▶ reserving ──accept──▶ launching
 *                                                └ nobody left: refused, with everyone's reason
 *
 * Every attempt has a number. What comes late for an older one is answered by a cancel, so that no
 * supplier holds for a run that has moved on. A stack has a run for each part (stack-effort.ts), which
 * waits as `held` between accept and launch; a plan's end at `asking` (plan-effort.ts).
 */
import { LIMITS, portWords } from '../model/index.ts';
import type {
  Accept,
  BuyerMessage,
  CommandId,
  ContainerId,
  CoreError,
  HostPort,
  NodeId,
  Refuse,
  Request,
  RequestId,
  Stack,
  Timer,
  Turn,
} from '../model/index.ts';
import { isAmount } from '../model/filter.ts';
import { clashAmong } from '../model/host-access.ts';
import { assertNever } from '../../lib/assert.ts';
import { DirectRound } from './direct.ts';
import { Finds } from './find.ts';
import { CANCELLED, Launches } from './launch.ts';
import { PlanEffort } from './plan-effort.ts';
import { newRun } from './run.ts';
import type { Run } from './run.ts';
import { Runs } from './runs.ts';
import type { SchedulerOptions } from './runs.ts';
import { Single } from './single.ts';
import { StackEffort } from './stack-effort.ts';
import type { EffortOptions } from './stack-effort.ts';
import { unitsOf } from './units.ts';
import { Whereabouts } from './whereabouts.ts';
import { ruledOut } from './wishes.ts';

export type { SchedulerOptions } from './runs.ts';

export class Scheduler {
  readonly #runs: Runs;
  readonly #direct: DirectRound;
  readonly #whereabouts: Whereabouts;
  readonly #finds: Finds;
  readonly #launches: Launches;
  /** Stacks and plans under way. */
  readonly #efforts = new Map<RequestId, StackEffort | PlanEffort>();

  constructor(options: SchedulerOptions) {
    this.#runs = new Runs(options, (turn, run) => this.#finds.begin(turn, run));
    this.#direct = new DirectRound(this.#runs);
    this.#whereabouts = new Whereabouts(this.#runs, (turn, run) => this.#finds.located(turn, run));
    this.#finds = new Finds(this.#runs, this.#direct, this.#whereabouts);
    this.#launches = new Launches(this.#runs, this.#finds);
  }

  runs(): readonly Request[] {
    return this.#runs.all().map((run) => run.request);
  }

  /** Those of a run, or of the co-location group that it looks for. */
  containersOf(id: RequestId): readonly ContainerId[] {
    const run = this.#runs.get(id);
    const parts = run?.group?.parts ?? [{ requestId: id }];
    return parts.flatMap(({ requestId }) => this.#runs.get(requestId)?.request.containerId ?? []);
  }

  /** Looks for a supplier at once; launches when `named` says so. */
  run(turn: Turn, replyTo: CommandId, request: Request, exclude: readonly NodeId[]): void {
    const refusal = this.#unworkable([request]);
    if (refusal !== undefined) return turn.reply(replyTo, { ok: false, error: refusal });
    const run = newRun(turn, request, new Single(this.#runs, this.#launches, replyTo), exclude);
    this.#runs.add(run);
    this.#finds.begin(turn, run);
  }

  /** The container of this run has its name. */
  named(turn: Turn, id: RequestId): void {
    const run = this.#runs.get(id);
    if (run?.owner instanceof Single) run.owner.named(turn, run);
  }

  /** Ends a run that does not get its name, without a reply. */
  abandon(turn: Turn, id: RequestId): void {
    const run = this.#runs.get(id);
    if (run?.owner instanceof Single) this.#runs.abandon(turn, run);
  }

  /** Places and launches all of it, or none. */
  runStack(turn: Turn, replyTo: CommandId, stack: Stack, exclude: readonly NodeId[]): void {
    this.#effort(turn, replyTo, stack, exclude, (options) => new StackEffort(turn, options, this.#launches));
  }

  /** Says where all of it would go; holds nothing. */
  plan(turn: Turn, replyTo: CommandId, stack: Stack, exclude: readonly NodeId[]): void {
    this.#effort(turn, replyTo, stack, exclude, (options) => new PlanEffort(turn, options));
  }

  /** @param id a run's or a stack's */
  cancelRun(turn: Turn, replyTo: CommandId, id: RequestId): void {
    const run = this.#runs.get(id);
    const effort = this.#efforts.get(id);
    if (effort !== undefined) {
      effort.cancel(turn);
    } else if (run === undefined || !(run.owner instanceof Single)) {
      const message = `no run of request ${id} is under way on this node`;
      return turn.reply(replyTo, { ok: false, error: { code: 'wrong-state', message, changed: false } });
    } else if (run.stage.kind === 'launching') {
      this.#launches.cancel(turn, run, run.stage);
    } else {
      this.#runs.failed(turn, run, CANCELLED);
    }
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
      case 'candidates':
        if (run?.stage.kind === 'finding' && message.attempt === run.attempt && run.owner.plans) this.#finds.candidates(turn, run, message);
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
      case 'waiting':
        return;
      case 'ready':
        return this.#launches.keep(turn, run, stage);
      case 'looking-up':
        return this.#whereabouts.timedOut(turn, run, stage);
      case 'held':
        this.#runs.renew(turn, run, stage.supplier);
        run.stage = { ...stage, token: this.#runs.setTimer(turn, run, this.#runs.options.times.launchMs) };
        return;
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
      // The end of one run may have been the end of others of its stack.
      if (this.#runs.get(run.request.id) !== run) continue;
      if (stage.kind === 'finding' && stage.trader === id) this.#finds.begin(turn, run);
      else if (stage.kind === 'asking') this.#direct.gone(turn, run, stage, id);
      else if (stage.kind === 'reserving' && stage.supplier === id) this.#direct.supplierGone(turn, run, stage);
      else if ((stage.kind === 'launching' || stage.kind === 'ready') && stage.supplier === id) this.#launches.lost(turn, run, stage, how);
      else if (stage.kind === 'held' && stage.supplier === id) {
        run.owner.moving(turn, run);
        this.#finds.begin(turn, run);
      }
    }
  }

  #accept(turn: Turn, run: Run | undefined, from: NodeId, message: Accept): void {
    const stage = run?.stage;
    if (run !== undefined && stage !== undefined && message.attempt === run.attempt) {
      const found =
        stage.kind === 'finding' && this.#runs.options.member(from) !== undefined && !run.excluded.has(from) && !run.failed.has(from);
      const reserved = stage.kind === 'reserving' && stage.supplier === from;
      if ((found || reserved) && ruledOut(run, from) === undefined) return this.#launches.held(turn, run, from, message);
      if (reserved) return this.#direct.unwanted(turn, run, stage);
      if ('supplier' in stage && stage.supplier === from) return;
      if (found) {
        // Another part of its group was faster there: not a find that failed.
        run.finds--;
        this.#runs.cancel(turn, run, from);
        return this.#finds.begin(turn, run);
      }
    }
    turn.send(from, { kind: 'cancel', requestId: message.requestId, attempt: message.attempt, takeBack: false });
  }

  #refuse(turn: Turn, run: Run | undefined, from: NodeId, message: Refuse): void {
    if (run?.stage.kind !== 'reserving' || run.stage.supplier !== from || message.need.attempt !== run.attempt) return;
    this.#direct.refused(turn, run, run.stage, message);
  }

  #effort(
    turn: Turn,
    replyTo: CommandId,
    stack: Stack,
    exclude: readonly NodeId[],
    create: (options: EffortOptions) => StackEffort | PlanEffort,
  ): void {
    const refuse = (error: CoreError): void => turn.reply(replyTo, { ok: false, error });
    const units = unitsOf(stack, exclude.length);
    if ('code' in units) return refuse(units);
    const refusal = this.#efforts.has(stack.id) ? underWay(stack.id) : this.#unworkable(stack.parts.map(({ request }) => request));
    if (refusal !== undefined) return refuse(refusal);
    const done = (): void => void this.#efforts.delete(stack.id);
    const effort = create({ stack, units, exclude, replyTo, runs: this.#runs, finds: this.#finds, done });
    this.#efforts.set(stack.id, effort);
    effort.begin(turn);
  }

  #unworkable(requests: readonly Request[]): CoreError | undefined {
    if (this.#runs.size + requests.length > LIMITS.runs) {
      const message = `this node works on ${this.#runs.size} runs already, of ${LIMITS.runs} that it may; try again later, or on another node`;
      return { code: 'too-many-runs', message, changed: false };
    }
    const wrong = requests.find(({ resources }) => !isAmount(resources));
    if (wrong !== undefined) {
      const message = `resources must be whole numbers of millicores and bytes, not below 0, got ${JSON.stringify(wrong.resources)}`;
      return { code: 'invalid-request', message, changed: false };
    }
    const greedy = requests.find(({ hostPorts }) => clashAmong(hostPorts) !== undefined);
    if (greedy !== undefined) {
      const port = portWords(clashAmong(greedy.hostPorts) as HostPort);
      return {
        code: 'invalid-request',
        message: `${greedy.name} asks for port ${port} of its host twice; publish it once`,
        changed: false,
      };
    }
    const twice = requests.find(({ id }) => this.#runs.get(id) !== undefined || this.#efforts.has(id));
    return twice === undefined ? undefined : underWay(twice.id);
  }
}

const underWay = (id: RequestId): CoreError => ({
  code: 'wrong-state',
  message: `request ${id} is being worked on already`,
  changed: false,
});
