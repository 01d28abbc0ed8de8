/**
 * The last stage: the supplier makes the container durable, then ready. From the first launch message on,
 * its container id may exist there; so until the supplier says that it doesn't, nothing is launched
 * elsewhere. A supplier that dies with the question open ends the run (`supplier-lost`): a second
 * container of the same id would be worse than none.
 *
 * A launch is idempotent by container id and is repeated: as a renewal's companion until it is recorded,
 * then, more and more slowly, as the question "ready yet?".
 *
 * A part of a stack is taken back where another part fails: its supplier gives the hold back, or removes
 * what was launched and never started, and says so. The word is repeated until it does, or is dead.
 */
import { add } from '../model/index.ts';
import type { Accept, Launch, LaunchRefused, Launched, NodeId, Turn } from '../model/index.ts';
import { regionOf } from '../discovery/region.ts';
import { score } from '../discovery/score.ts';
import { consideredOf } from '../discovery/trail.ts';
import type { Finds } from './find.ts';
import { needOf, placementOf } from './need.ts';
import { consider } from './run.ts';
import type { Run, Stage } from './run.ts';
import type { Runs } from './runs.ts';
import { SCHEDULER } from './tunables.ts';

type Launching = Extract<Stage, { kind: 'launching' }>;
type Ready = Extract<Stage, { kind: 'ready' }>;

export class Launches {
  readonly #runs: Runs;
  readonly #finds: Finds;

  constructor(runs: Runs, finds: Finds) {
    this.#runs = runs;
    this.#finds = finds;
  }

  /** A supplier holds what the run wants. */
  held(turn: Turn, run: Run, supplier: NodeId, accept: Accept): void {
    const { self, directory, member } = this.#runs.options;
    const { class: wantedClass, resources } = run.wanted;
    const left = regionOf(member(supplier)?.class ?? wantedClass, accept.free);
    if (left !== undefined) directory.hints.suppose(left, turn.nowMs);
    const free = add(accept.free, resources);
    const value = score(needOf(run, self), { class: member(supplier)?.class ?? wantedClass, free }, directory.mean());
    for (const seen of accept.trail) consider(run, consideredOf(seen, this.#runs.nameOf(seen.nodeId), resources));
    const name = this.#runs.nameOf(supplier);
    consider(run, { nodeId: supplier, name, accepted: true, reason: undefined, detail: '', free, score: value });
    run.stage = { kind: 'held', supplier, token: 0 };
    run.owner.held(turn, run);
  }

  begin(turn: Turn, run: Run, supplier: NodeId): void {
    const { times } = this.#runs.options;
    run.stage = {
      kind: 'launching',
      supplier,
      recorded: false,
      cancelled: false,
      sinceMs: turn.nowMs,
      waitMs: times.launchMs,
      token: this.#runs.setTimer(turn, run, times.launchMs),
    };
    this.#runs.send(turn, run, supplier, this.#message(turn, run, supplier));
  }

  launched(turn: Turn, run: Run, stage: Launching, message: Launched): void {
    const { takesBack } = run.owner;
    if (message.phase === 'started') return takesBack && stage.cancelled ? this.#kept(turn, run, stage) : undefined;
    // Taken back, it may become ready before the word arrives: what counts is the answer to that.
    if (message.phase === 'ready' && !(takesBack && stage.cancelled)) return this.#ready(turn, run, stage);
    if (stage.recorded) return;
    run.stage = { ...stage, recorded: true, sinceMs: stage.cancelled ? stage.sinceMs : turn.nowMs };
    // It was told of the cancellation before it knew of the launch: tell it again.
    if (stage.cancelled) return this.#cancel(turn, run, stage);
    run.owner.recorded(turn, run);
  }

  /** Nothing of it is left there. */
  refused(turn: Turn, run: Run, stage: Launching, { error }: LaunchRefused): void {
    const { supplier } = stage;
    const name = this.#runs.nameOf(supplier);
    if (stage.cancelled) return this.#runs.failed(turn, run, CANCELLED);
    consider(run, {
      nodeId: supplier,
      name,
      accepted: false,
      reason: 'failed',
      detail: error.message,
      free: undefined,
      score: undefined,
    });
    // On any other node it would be a second one of that name; or a user has removed it, and it would be back.
    if (error.code === 'name-taken' || error.code === 'wrong-state') {
      this.#cancel(turn, run, stage);
      return this.#runs.failed(turn, run, error);
    }
    run.finds = 0;
    const failure = { ...error, message: `${name} could not launch it: ${error.message}` };
    if (!run.owner.mayMove(run)) return this.#runs.failed(turn, run, failure);
    if (error.code !== 'no-room' || ++run.lateLaunches >= SCHEDULER.lateLaunches) {
      run.failed.add(supplier);
      run.launchError = failure;
      if (run.failed.size >= SCHEDULER.launchFailures) return this.#runs.failed(turn, run, failure);
    }
    // What it holds for the others of the group.
    if (run.group !== undefined) this.#runs.cancel(turn, run, supplier);
    run.owner.moving(turn, run);
    this.#finds.begin(turn, run);
  }

  timedOut(turn: Turn, run: Run, stage: Launching): void {
    const { times } = this.#runs.options;
    const takenBack = stage.cancelled && run.owner.takesBack;
    const limitMs = takenBack ? SCHEDULER.takeBackMs : stage.recorded ? SCHEDULER.readyMs : SCHEDULER.recordMs;
    if (turn.nowMs - stage.sinceMs >= limitMs) {
      return this.lost(turn, run, stage, `gave no answer to ${takenBack ? 'that' : 'the launch'} for ${limitMs / 1000} s`);
    }
    const waitMs = stage.recorded && !takenBack ? Math.min(SCHEDULER.pollMs, stage.waitMs * 2) : times.launchMs;
    run.stage = { ...stage, waitMs, token: this.#runs.setTimer(turn, run, waitMs) };
    if (stage.cancelled) return this.#cancelAgain(turn, run, stage);
    if (!stage.recorded) this.#runs.renew(turn, run, stage.supplier);
    this.#runs.send(turn, run, stage.supplier, this.#message(turn, run, stage.supplier));
  }

  lost(turn: Turn, run: Run, { supplier, cancelled }: Launching | Ready, what: string): void {
    const name = this.#runs.nameOf(supplier);
    const message =
      cancelled && run.owner.takesBack
        ? `${run.request.name} on ${name}, which ${what}`
        : `${name} ${what} while it launched ${run.request.name}; the container may exist there: look for it when ${name} is back, or run it again under a new id`;
    this.#runs.failed(turn, run, { code: 'supplier-lost', message, changed: true });
  }

  /**
   * Answered when the supplier has said what became of it: rolled back, or, unless it is taken back,
   * ready before the word came.
   */
  cancel(turn: Turn, run: Run, stage: Launching): void {
    run.stage = { ...stage, cancelled: true, ...(run.owner.takesBack && { sinceMs: turn.nowMs }) };
    this.#cancel(turn, run, stage);
  }

  /** It is ready, and has to be removed again: for the rest of its stack there is no room. */
  takeBack(turn: Turn, run: Run, { supplier }: Ready): void {
    const { launchMs } = this.#runs.options.times;
    const stage: Launching = {
      kind: 'launching',
      supplier,
      recorded: true,
      cancelled: true,
      sinceMs: turn.nowMs,
      waitMs: launchMs,
      token: this.#runs.setTimer(turn, run, launchMs),
    };
    run.stage = stage;
    this.#cancel(turn, run, stage);
  }

  /** It is ready before the rest of its stack: not started for long, it would give its room back. */
  keep(turn: Turn, run: Run, stage: Ready): void {
    const { id: requestId } = run.request;
    this.#runs.send(turn, run, stage.supplier, { kind: 'renew', requestId, attempt: run.attempt });
    this.#keepLater(turn, run, stage);
  }

  #keepLater(turn: Turn, run: Run, stage: Ready): void {
    run.stage = { ...stage, token: this.#runs.setTimer(turn, run, SCHEDULER.keepMs) };
  }

  #ready(turn: Turn, run: Run, { supplier }: Launching): void {
    run.stage = { kind: 'ready', supplier, token: 0, cancelled: false };
    run.owner.ready(turn, run);
    if (run.stage.kind === 'ready' && this.#runs.get(run.request.id) === run) this.#keepLater(turn, run, run.stage);
  }

  /** A user has started it meanwhile: it is not ours to remove any more. */
  #kept(turn: Turn, run: Run, { supplier }: Launching): void {
    const name = this.#runs.nameOf(supplier);
    const message = `${run.request.name} on ${name}, which was started meanwhile`;
    this.#runs.end(turn, run, { code: 'wrong-state', message, changed: true });
  }

  #cancelAgain(turn: Turn, run: Run, stage: Launching): void {
    this.#cancel(turn, run, stage);
    // Without a hold the same launch is refused, with a container it tells its phase: either way an answer.
    this.#runs.send(turn, run, stage.supplier, this.#message(turn, run, stage.supplier));
  }

  #cancel(turn: Turn, run: Run, { supplier }: Launching): void {
    const { takesBack: takeBack } = run.owner;
    this.#runs.send(turn, run, supplier, { kind: 'cancel', requestId: run.request.id, attempt: run.attempt, takeBack });
  }

  #message(turn: Turn, run: Run, supplier: NodeId): Launch {
    const placement = JSON.stringify(placementOf(run, this.#runs.options.self, supplier, turn.nowMs));
    return { kind: 'launch', request: run.request, attempt: run.attempt, placement, group: run.group };
  }
}

export const CANCELLED = { code: 'cancelled', message: 'the run was cancelled', changed: false } as const;
