/** The first stage: through the directory. A trader sends the reserve; its supplier answers us. */
import type { NodeId, NotFound, Turn } from '../model/index.ts';
import { onward } from '../discovery/directory.ts';
import type { DirectRound } from './direct.ts';
import { consider, needOf } from './run.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';
import { SCHEDULER } from './tunables.ts';

export class Finds {
  readonly #runs: Runs;
  readonly #direct: DirectRound;

  constructor(runs: Runs, direct: DirectRound) {
    this.#runs = runs;
    this.#direct = direct;
  }

  /** A new attempt; what older ones may hold anywhere is void from now on. */
  begin(turn: Turn, run: Run): void {
    const { self, directory, times } = this.#runs.options;
    run.attempt++;
    run.finds++;
    const need = needOf(run, self);
    const next =
      run.finds > SCHEDULER.finds
        ? undefined
        : onward(turn, directory, need, { asked: 0, used: [], escalate: run.finds > 1, shedDone: false, refusals: 0, trail: [] });
    if (next === undefined) return this.#exhausted(turn, run);
    run.by = 'directory';
    run.stage = { kind: 'finding', trader: next.to, token: this.#runs.setTimer(turn, run, times.findMs) };
    this.#runs.send(turn, run, next.to, next.find);
  }

  /** No word in time: a trader or the supplier is gone, or a message was lost. */
  timedOut(turn: Turn, run: Run, trader: NodeId): void {
    this.#runs.send(turn, run, trader, { kind: 'cancel', requestId: run.request.id, attempt: run.attempt });
    this.begin(turn, run);
  }

  notFound(turn: Turn, run: Run, message: NotFound): void {
    for (const entry of message.considered) consider(run, entry);
    this.#exhausted(turn, run);
  }

  #exhausted(turn: Turn, run: Run): void {
    if (this.#runs.small) this.#direct.begin(turn, run);
    else this.#runs.refused(turn, run, false);
  }
}
