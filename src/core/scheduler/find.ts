/**
 * The first stage: through the directory. A trader sends the reserve; its supplier answers us. What wants
 * to be with certain containers is not for traders, who can't see them: that goes to the direct round,
 * in a large instance with just the nodes that the name directory knows to have them. So does what only
 * few nodes can take by their records, which a find might never meet (eligible.ts).
 */
import type { Candidates, NodeId, NotFound, Turn } from '../model/index.ts';
import { hasSafeRegion, onward } from '../discovery/directory.ts';
import { consideredOf } from '../discovery/trail.ts';
import type { DirectRound } from './direct.ts';
import { Eligible, filterWords } from './eligible.ts';
import { needOf } from './need.ts';
import { WAITING, consider } from './run.ts';
import type { Run } from './run.ts';
import type { Runs } from './runs.ts';
import { SCHEDULER } from './tunables.ts';
import type { Whereabouts } from './whereabouts.ts';
import { affinitiesOf, isDrawn } from './wishes.ts';

export class Finds {
  readonly #runs: Runs;
  readonly #direct: DirectRound;
  readonly #whereabouts: Whereabouts;
  readonly #eligible: Eligible;

  constructor(runs: Runs, direct: DirectRound, whereabouts: Whereabouts) {
    this.#runs = runs;
    this.#direct = direct;
    this.#whereabouts = whereabouts;
    this.#eligible = new Eligible(runs.options);
  }

  /** A new attempt; what older ones may hold anywhere is void from now on. */
  begin(turn: Turn, run: Run): void {
    run.attempt++;
    run.finds++;
    if (run.finds > (this.#runs.small ? SCHEDULER.smallFinds : SCHEDULER.finds)) return this.#exhausted(turn, run);
    // Of the attempt before; it may have had wishes that are given up by now.
    run.among = undefined;
    run.amongWords = [];
    if (run.finds === 1) run.sampled = undefined;
    run.shunned = [];
    run.unknown = [];
    if (this.#runs.small) {
      if (run.owner.plans || isDrawn(run)) return this.#direct.begin(turn, run);
    } else {
      run.among = this.#eligible.rare(run);
      if (run.among !== undefined) run.amongWords = filterWords(run);
      if (run.among?.size !== 0 && affinitiesOf(run).length > 0) return this.#whereabouts.begin(turn, run);
    }
    this.located(turn, run);
  }

  /** The name directory has told what it can, where there was something to ask. */
  located(turn: Turn, run: Run): void {
    if (run.among === undefined) this.#send(turn, run);
    else this.#direct.begin(turn, run, run.among);
  }

  /** No word in time: a trader or the supplier is gone, or a message was lost. */
  timedOut(turn: Turn, run: Run, trader: NodeId): void {
    this.#runs.cancel(turn, run, trader);
    this.begin(turn, run);
  }

  notFound(turn: Turn, run: Run, message: NotFound): void {
    for (const entry of message.considered) consider(run, entry);
    const { stage } = run;
    // Nothing is held for this attempt: there is nobody to tell.
    run.stage = WAITING;
    if (this.#bar(run, message)) {
      run.finds--;
      return this.begin(turn, run);
    }
    run.misses++;
    if (stage.kind !== 'finding' || !this.#mayHaveMissed(turn, run)) return this.#exhausted(turn, run);
    if (run.misses === 1) return this.begin(turn, run);
    run.stage = { ...stage, token: this.#runs.setTimer(turn, run, SCHEDULER.missMs) };
  }

  /** Of a plan: what a trader believes, which they are now asked themselves. */
  candidates(turn: Turn, run: Run, { candidates }: Candidates): void {
    for (const seen of candidates) consider(run, consideredOf(seen, this.#runs.nameOf(seen.nodeId), run.wanted.resources));
    this.#direct.begin(turn, run, new Set(candidates.map(({ nodeId }) => nodeId)));
  }

  #send(turn: Turn, run: Run): void {
    const { self, directory, times } = this.#runs.options;
    const state = { asked: 0, used: [], escalate: run.finds > 1, shedDone: false, refusals: 0, trail: [], plan: run.owner.plans };
    const next = onward(turn, directory, needOf(run, self), state);
    if (next === undefined) return this.#exhausted(turn, run);
    run.by = 'directory';
    run.stage = { kind: 'finding', trader: next.to, token: this.#runs.setTimer(turn, run, times.findMs) };
    this.#runs.send(turn, run, next.to, next.find);
  }

  /**
   * Offers don't tell of ports and networks, and the best ones of a region may all be of nodes that lack them: each
   * find learns of a few more to go past. @returns whether it did
   */
  #bar(run: Run, { considered }: NotFound): boolean {
    if (this.#runs.small) return false;
    const before = run.barred.size;
    for (const { nodeId, reason } of considered) {
      if ((reason === 'port' || reason === 'network') && run.barred.size < SCHEDULER.barred) run.barred.add(nodeId);
    }
    return run.barred.size > before;
  }

  /** Eight queries met nothing though a hint promises plenty: a burst has run ahead of the hints. */
  #mayHaveMissed(turn: Turn, run: Run): boolean {
    const { self, directory } = this.#runs.options;
    if (this.#runs.small || run.owner.plans || run.misses >= SCHEDULER.misses) return false;
    return hasSafeRegion(turn, directory, needOf(run, self));
  }

  #exhausted(turn: Turn, run: Run): void {
    if (this.#runs.small) return this.#direct.begin(turn, run);
    const unseen = run.among === undefined && run.sampled === undefined ? this.#eligible.unseen(turn, run) : undefined;
    if (unseen === undefined) return this.#runs.refused(turn, run, false);
    const words = filterWords(run);
    if (unseen.of === undefined) [run.among, run.amongWords] = [unseen.nodes, words];
    else run.sampled = { nodes: unseen.of, words: words.join(' and ') };
    this.#direct.begin(turn, run, unseen.nodes);
  }
}
