/**
 * The direct round of small instances (≤ 64 alive members): before a run is refused, every node is asked
 * for its true vector, and those that fit are asked to hold, best first. "No room" is then true, and the
 * answers are its explanation. Cost: two messages a node, only for requests that would be refused.
 * In a large instance it is for the few nodes that alone can take a run (eligible.ts, whereabouts.ts).
 */
import { MIB } from '../model/index.ts';
import type { Answer, NodeId, Refuse, Region, Reserve, Turn } from '../model/index.ts';
import { regionOf } from '../discovery/region.ts';
import { score } from '../discovery/score.ts';
import { needOf } from './need.ts';
import { consider } from './run.ts';
import type { Run, Stage } from './run.ts';
import type { Runs } from './runs.ts';
import { ruledOut } from './wishes.ts';

type Asking = Extract<Stage, { kind: 'asking' }>;
type Reserving = Extract<Stage, { kind: 'reserving' }>;

export class DirectRound {
  readonly #runs: Runs;

  constructor(runs: Runs) {
    this.#runs = runs;
  }

  /** @param among only these, where others can't take it */
  begin(turn: Turn, run: Run, among?: ReadonlySet<NodeId>): void {
    const { self, times } = this.#runs.options;
    run.attempt++;
    run.by = 'direct';
    const asked = new Set<NodeId>();
    for (const { id, name } of this.#runs.live(among)) {
      if (run.failed.has(id)) continue;
      const why = ruledOut(run, id);
      if (why === undefined) asked.add(id);
      else consider(run, { nodeId: id, name, accepted: false, ...why, free: undefined, score: undefined });
    }
    run.stage = { kind: 'asking', asked, answers: new Map(), token: this.#runs.setTimer(turn, run, times.askMs), reminded: false };
    for (const id of asked) this.#runs.send(turn, run, id, { kind: 'ask', need: needOf(run, self, id) });
    if (asked.size === 0) this.#choose(turn, run, run.stage);
  }

  answer(turn: Turn, run: Run, stage: Asking, from: NodeId, answer: Answer): void {
    if (!stage.asked.has(from) || stage.answers.has(from)) return;
    run.stage = { ...stage, answers: new Map([...stage.answers, [from, answer]]) };
    if (run.stage.answers.size === stage.asked.size) this.#choose(turn, run, run.stage);
  }

  /** Those who did not answer are asked once more; then we go on without them, naming them. */
  timedOut(turn: Turn, run: Run, stage: Asking): void {
    if (stage.reminded) return this.#choose(turn, run, stage);
    const { self, times } = this.#runs.options;
    run.stage = { ...stage, reminded: true, token: this.#runs.setTimer(turn, run, times.askMs) };
    for (const id of stage.asked) if (!stage.answers.has(id)) this.#runs.send(turn, run, id, { kind: 'ask', need: needOf(run, self, id) });
  }

  gone(turn: Turn, run: Run, stage: Asking, id: NodeId): void {
    if (!stage.asked.has(id) || stage.answers.has(id)) return;
    run.stage = { ...stage, asked: new Set([...stage.asked].filter((other) => other !== id)) };
    if (run.stage.answers.size === run.stage.asked.size) this.#choose(turn, run, run.stage);
  }

  refused(turn: Turn, run: Run, stage: Reserving, { reason, detail, free }: Refuse): void {
    const { supplier: nodeId } = stage;
    consider(run, { nodeId, name: this.#runs.nameOf(nodeId), accepted: false, reason, detail, free, score: undefined });
    this.#reserve(turn, run, stage.rest);
  }

  reserveTimedOut(turn: Turn, run: Run, stage: Reserving): void {
    const { supplier } = stage;
    if (!stage.repeated && this.#runs.options.member(supplier)?.state !== 'dead') {
      run.stage = { ...stage, repeated: true, token: this.#runs.setTimer(turn, run, this.#runs.options.times.reserveMs) };
      return this.#runs.send(turn, run, supplier, this.#message(run, supplier));
    }
    this.supplierGone(turn, run, stage);
  }

  supplierGone(turn: Turn, run: Run, { supplier, rest }: Reserving): void {
    this.#runs.cancel(turn, run, supplier);
    this.#unreachable(run, supplier);
    this.#reserve(turn, run, rest);
  }

  /** It holds, but another part of the stack came to be there meanwhile. */
  unwanted(turn: Turn, run: Run, { supplier, rest }: Reserving): void {
    this.#runs.cancel(turn, run, supplier);
    this.#reserve(turn, run, rest);
  }

  #choose(turn: Turn, run: Run, { asked, answers }: Asking): void {
    if (run.owner.plans) {
      for (const nodeId of asked) if (!answers.has(nodeId)) this.#unreachable(run, nodeId);
      return run.owner.answered(turn, run, answers);
    }
    const { self, directory, member } = this.#runs.options;
    const need = needOf(run, self);
    const mean = directory.mean();
    const fitting: { readonly id: NodeId; readonly score: number }[] = [];
    for (const nodeId of asked) {
      const answer = answers.get(nodeId);
      if (answer === undefined) {
        this.#unreachable(run, nodeId);
        continue;
      }
      const { free, reason, detail } = answer;
      const known = member(nodeId);
      const value = reason === undefined && known !== undefined ? score(need, { class: known.class, free }, mean) : undefined;
      consider(run, { nodeId, name: this.#runs.nameOf(nodeId), accepted: false, reason, detail, free, score: value });
      if (value !== undefined) fitting.push({ id: nodeId, score: value });
    }
    fitting.sort((a, b) => a.score - b.score);
    const rest = fitting.map(({ id }) => id);
    this.#reserve(turn, run, rest);
  }

  #reserve(turn: Turn, run: Run, candidates: readonly NodeId[]): void {
    const [supplier, ...rest] = candidates;
    if (supplier === undefined) return this.#runs.refused(turn, run, true);
    const why = ruledOut(run, supplier);
    if (why !== undefined) {
      const name = this.#runs.nameOf(supplier);
      consider(run, { nodeId: supplier, name, accepted: false, ...why, free: undefined, score: undefined });
      return this.#reserve(turn, run, rest);
    }
    run.attempt++;
    run.stage = {
      kind: 'reserving',
      supplier,
      rest,
      token: this.#runs.setTimer(turn, run, this.#runs.options.times.reserveMs),
      repeated: false,
    };
    this.#runs.send(turn, run, supplier, this.#message(run, supplier));
  }

  #message(run: Run, supplier: NodeId): Reserve {
    const { resources, class: cpuClass } = run.wanted;
    const region: Region = regionOf(cpuClass, resources) ?? LEAST;
    const need = needOf(run, this.#runs.options.self, supplier);
    return { kind: 'reserve', need, region, shard: 0, asked: 0, shedDone: false, refusals: 0, used: [], trail: [], direct: true };
  }

  #unreachable(run: Run, nodeId: NodeId): void {
    const name = this.#runs.nameOf(nodeId);
    const detail = 'did not answer';
    consider(run, { nodeId, name, accepted: false, reason: 'unreachable', detail, free: undefined, score: undefined });
  }
}

const LEAST = regionOf('low', { cpuMillicores: 1, memoryBytes: MIB }) as Region;
