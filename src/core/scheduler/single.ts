import type { CommandId, CoreError, Turn } from '../model/index.ts';
import { assert } from '../../lib/assert.ts';
import type { Launches } from './launch.ts';
import { placementOf } from './need.ts';
import type { Owner, Run } from './run.ts';
import { supplierOf } from './run.ts';
import type { Runs } from './runs.ts';

/** A user's single request: launched as soon as it is held and has its name, answered when it is ready. */
export class Single implements Owner {
  readonly takesBack = false;
  readonly plans = false;
  readonly #runs: Runs;
  readonly #launches: Launches;
  readonly #replyTo: CommandId;
  #named = false;

  constructor(runs: Runs, launches: Launches, replyTo: CommandId) {
    this.#runs = runs;
    this.#launches = launches;
    this.#replyTo = replyTo;
  }

  others(): readonly [] {
    return [];
  }

  companions(): readonly [] {
    return [];
  }

  mayMove(): boolean {
    return true;
  }

  moving(): void {}

  recorded(): void {}

  answered(): void {}

  held(turn: Turn, run: Run): void {
    if (run.stage.kind !== 'held') return;
    if (this.#named) return this.#launches.begin(turn, run, run.stage.supplier);
    run.stage = { ...run.stage, token: this.#runs.setTimer(turn, run, this.#runs.options.times.launchMs) };
  }

  /** The container has its name. */
  named(turn: Turn, run: Run): void {
    this.#named = true;
    this.held(turn, run);
  }

  ready(turn: Turn, run: Run): void {
    const supplier = supplierOf(run);
    assert(supplier !== undefined, 'what is ready has a supplier');
    const { id: requestId, containerId } = run.request;
    const placement = placementOf(run, this.#runs.options.self, supplier, turn.nowMs);
    this.#runs.drop(run);
    turn.reply(this.#replyTo, { ok: true, kind: 'placed', containerId, supplier, placement });
    turn.emit({ kind: 'run-placed', requestId, containerId, supplier, tookMs: placement.tookMs, messages: run.messages });
  }

  failed(turn: Turn, run: Run, error: CoreError): void {
    const placement = placementOf(run, this.#runs.options.self, undefined, turn.nowMs);
    turn.reply(this.#replyTo, { ok: false, error, placement });
    turn.emit({ kind: 'run-refused', requestId: run.request.id, error, tookMs: placement.tookMs });
  }
}
