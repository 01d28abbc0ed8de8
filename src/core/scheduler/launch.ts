/**
 * The last stage: the supplier makes the container durable, then ready. From the first launch message on,
 * its container id may exist there; so until the supplier says that it doesn't, nothing is launched
 * elsewhere. A supplier that dies with the question open ends the run (`supplier-lost`): a second
 * container of the same id would be worse than none.
 *
 * A launch is idempotent by container id and is repeated: as a renewal's companion until it is recorded,
 * then, more and more slowly, as the question "ready yet?".
 */
import { add } from '../model/index.ts';
import type { Accept, Launch, LaunchRefused, Launched, NodeId, Turn } from '../model/index.ts';
import { regionOf } from '../discovery/region.ts';
import { score } from '../discovery/score.ts';
import { consideredOf } from '../discovery/trail.ts';
import type { Finds } from './find.ts';
import { consider, needOf, placementOf } from './run.ts';
import type { Run, Stage } from './run.ts';
import type { Runs } from './runs.ts';
import { SCHEDULER } from './tunables.ts';

type Launching = Extract<Stage, { kind: 'launching' }>;

export class Launches {
  readonly #runs: Runs;
  readonly #finds: Finds;

  constructor(runs: Runs, finds: Finds) {
    this.#runs = runs;
    this.#finds = finds;
  }

  begin(turn: Turn, run: Run, supplier: NodeId, accept: Accept): void {
    const { self, directory, member, times } = this.#runs.options;
    const left = regionOf(member(supplier)?.class ?? run.request.class, accept.free);
    if (left !== undefined) directory.hints.suppose(left, turn.nowMs);
    const free = add(accept.free, run.request.resources);
    const value = score(needOf(run, self), { class: member(supplier)?.class ?? run.request.class, free }, directory.mean());
    for (const seen of accept.trail) consider(run, consideredOf(seen, this.#runs.nameOf(seen.nodeId), run.request.resources));
    const name = this.#runs.nameOf(supplier);
    consider(run, { nodeId: supplier, name, accepted: true, reason: undefined, detail: '', free, score: value });
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
    if (message.phase === 'ready') return this.#runs.placed(turn, run, stage.supplier);
    if (stage.recorded) return;
    run.stage = { ...stage, recorded: true, sinceMs: turn.nowMs };
    // It was told of the cancellation before it knew of the launch: tell it again.
    if (stage.cancelled) this.#cancel(turn, run, stage);
  }

  /** Nothing of it is left there. */
  refused(turn: Turn, run: Run, stage: Launching, { error }: LaunchRefused): void {
    const { supplier } = stage;
    const name = this.#runs.nameOf(supplier);
    consider(run, {
      nodeId: supplier,
      name,
      accepted: false,
      reason: 'failed',
      detail: error.message,
      free: undefined,
      score: undefined,
    });
    if (stage.cancelled) return this.#runs.failed(turn, run, CANCELLED);
    // On any other node it would be a second one of that name.
    if (error.code === 'name-taken') {
      this.#cancel(turn, run, stage);
      return this.#runs.failed(turn, run, error);
    }
    run.finds = 0;
    if (error.code === 'no-room' && ++run.lateLaunches < SCHEDULER.lateLaunches) return this.#finds.begin(turn, run);
    run.failed.add(supplier);
    run.launchError = { ...error, message: `${name} could not launch it: ${error.message}` };
    if (run.failed.size >= SCHEDULER.launchFailures) return this.#runs.failed(turn, run, run.launchError);
    this.#finds.begin(turn, run);
  }

  timedOut(turn: Turn, run: Run, stage: Launching): void {
    const { times } = this.#runs.options;
    const limitMs = stage.recorded ? SCHEDULER.readyMs : SCHEDULER.recordMs;
    if (turn.nowMs - stage.sinceMs >= limitMs) return this.lost(turn, run, stage, `gave no answer to the launch for ${limitMs / 1000} s`);
    const waitMs = stage.recorded ? Math.min(SCHEDULER.pollMs, stage.waitMs * 2) : times.launchMs;
    run.stage = { ...stage, waitMs, token: this.#runs.setTimer(turn, run, waitMs) };
    if (stage.cancelled) return this.#cancelAgain(turn, run, stage);
    if (!stage.recorded) {
      this.#runs.send(turn, run, stage.supplier, { kind: 'renew', requestId: run.request.id, attempt: run.attempt });
    }
    this.#runs.send(turn, run, stage.supplier, this.#message(turn, run, stage.supplier));
  }

  lost(turn: Turn, run: Run, { supplier }: Launching, what: string): void {
    const name = this.#runs.nameOf(supplier);
    const message = `${name} ${what} while it launched ${run.request.name}; the container may exist there: look for it when ${name} is back, or run it again under a new id`;
    this.#runs.failed(turn, run, { code: 'supplier-lost', message, changed: true });
  }

  /** Answered when the supplier has said what became of it: rolled back, or ready before the word came. */
  cancel(turn: Turn, run: Run, stage: Launching): void {
    run.stage = { ...stage, cancelled: true };
    this.#cancel(turn, run, stage);
  }

  #cancelAgain(turn: Turn, run: Run, stage: Launching): void {
    this.#cancel(turn, run, stage);
    // Without a hold the same launch is refused, with a container it tells its phase: either way an answer.
    this.#runs.send(turn, run, stage.supplier, this.#message(turn, run, stage.supplier));
  }

  #cancel(turn: Turn, run: Run, stage: Launching): void {
    this.#runs.send(turn, run, stage.supplier, { kind: 'cancel', requestId: run.request.id, attempt: run.attempt });
  }

  #message(turn: Turn, run: Run, supplier: NodeId): Launch {
    const placement = JSON.stringify(placementOf(run, this.#runs.options.self, supplier, turn.nowMs));
    return { kind: 'launch', request: run.request, attempt: run.attempt, placement };
  }
}

export const CANCELLED = { code: 'cancelled', message: 'the run was cancelled', changed: false } as const;
