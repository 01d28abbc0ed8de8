/**
 * Where a stack would go now, and why (`run --dry-run`). Every unit's nodes are asked what is free, which
 * holds nothing: all of them up to 64 members; beyond, those that a find of this kind brings back from a
 * trader. Then the stack's own decisions are made on the answers, in its order: a part takes room from
 * those after it, and from its group. Nothing is claimed and nothing is sent that a supplier or a trader
 * remembers; a run a moment later may find it otherwise.
 *
 * Cost: two messages for each unit and node asked.
 */
import { NO_RESOURCES, add, subtract } from '../model/index.ts';
import type { Answer, Considered, CoreError, NodeId, Resources, StackPlacement, Turn } from '../model/index.ts';
import { lacking } from '../model/filter.ts';
import type { Unfit } from '../model/filter.ts';
import { NO_FACTS, takenPort } from '../model/host-access.ts';
import { assert } from '../../lib/assert.ts';
import { score } from '../discovery/score.ts';
import { CANCELLED } from './launch.ts';
import { needOf, placementOf } from './need.ts';
import { WAITING, forget, newRun } from './run.ts';
import type { Companion, Owner, Run } from './run.ts';
import type { EffortOptions } from './stack-effort.ts';
import { SCHEDULER } from './tunables.ts';
import { bySize } from './units.ts';
import type { Unit } from './units.ts';
import { ruledOut } from './wishes.ts';

interface Member {
  readonly unit: Unit;
  readonly run: Run;
  answers: ReadonlyMap<NodeId, Answer> | undefined;
  /** Where it would go. */
  node: NodeId | undefined;
}

export class PlanEffort implements Owner {
  readonly takesBack = false;
  readonly plans = true;
  readonly #options: EffortOptions;
  readonly #members: readonly Member[];
  /** What the plan itself takes of a node. */
  readonly #taken = new Map<NodeId, Resources>();
  /** In which order it decides. */
  #order: readonly Member[];
  #over = false;

  constructor(turn: Turn, options: EffortOptions) {
    this.#options = options;
    this.#members = options.units.map((unit) => ({
      unit,
      run: newRun(turn, unit.parts[0], this, options.exclude, { ...unit, group: unit.hold }),
      answers: undefined,
      node: undefined,
    }));
    this.#order = this.#members;
  }

  begin(turn: Turn): void {
    for (const { run } of this.#members) this.#options.runs.add(run);
    this.#step(turn);
  }

  cancel(turn: Turn): void {
    this.#end(turn, CANCELLED, undefined);
  }

  others(run: Run): readonly NodeId[] {
    const { group } = this.#memberOf(run).unit;
    if (group?.policy !== 'spread') return [];
    return this.#members.flatMap(({ unit, node }) => (unit.group === group && node !== undefined ? [node] : []));
  }

  companions(run: Run): readonly Companion[] {
    return this.#memberOf(run).unit.after.flatMap((at) => {
      const { unit, node } = this.#members[at] as Member;
      return node === undefined ? [] : unit.parts.map((part) => ({ part, node }));
    });
  }

  mayMove(): boolean {
    return false;
  }

  moving(): void {}

  held(): void {}

  recorded(): void {}

  ready(): void {}

  answered(turn: Turn, run: Run, answers: ReadonlyMap<NodeId, Answer>): void {
    run.stage = WAITING;
    this.#memberOf(run).answers = answers;
    this.#step(turn);
  }

  failed(turn: Turn, run: Run, error: CoreError): void {
    if (error.code === 'no-room' && this.#maySortAnew()) return this.#sortAnew(turn);
    const { unit } = this.#memberOf(run);
    const whose = unit.hold === undefined ? run.request.name : `group ${unit.group?.name ?? ''}`;
    const alone = this.#options.stack.parts.length === 1;
    this.#end(turn, alone ? error : { ...error, message: `${whose}: ${error.message}` }, run);
  }

  #bySize(): readonly Member[] {
    const { runs, units } = this.#options;
    return bySize(units, runs.options.directory.mean()).map((at) => this.#members[at] as Member);
  }

  /** In another order than that of the stack. */
  #maySortAnew(): boolean {
    return this.#order === this.#members && this.#bySize().some((member, at) => member !== this.#members[at]);
  }

  /** As a stack does before it is refused. */
  #sortAnew(turn: Turn): void {
    this.#order = this.#bySize();
    this.#taken.clear();
    for (const member of this.#members) {
      member.answers = undefined;
      member.node = undefined;
      forget(member.run);
      this.#options.runs.add(member.run);
    }
    this.#step(turn);
  }

  /** Decides what can be decided, in order, and asks about what comes next. */
  #step(turn: Turn): void {
    for (const member of this.#order) {
      if (member.node !== undefined || !this.#mayBegin(member)) continue;
      if (member.answers === undefined || this.#over) break;
      this.#decide(turn, member, member.answers);
    }
    for (const member of this.#order) {
      const { run, answers } = member;
      const busy = this.#members.filter((member) => member.run.stage.kind !== 'waiting').length;
      if (this.#over || busy >= SCHEDULER.planAsks) return;
      if (run.stage.kind === 'waiting' && answers === undefined && this.#mayBegin(member)) this.#options.finds.begin(turn, run);
    }
    if (!this.#over && this.#members.every(({ node }) => node !== undefined)) this.#planned(turn);
  }

  /** Once those are decided that its affinities speak of. */
  #mayBegin({ unit }: Member): boolean {
    return unit.after.every((at) => this.#members[at]?.node !== undefined);
  }

  #decide(turn: Turn, member: Member, answers: ReadonlyMap<NodeId, Answer>): void {
    const { run } = member;
    const { runs, finds } = this.#options;
    const [best, ...rest] = this.#ranked(run, answers);
    if (best?.reason !== undefined || best === undefined) {
      member.answers = undefined;
      if (best !== undefined) for (const entry of [best, ...rest]) run.considered.set(entry.nodeId, entry);
      if (runs.small || run.among !== undefined) return runs.refused(turn, run, true);
      // A trader's best are full by now: whom would it name next?
      for (const id of answers.keys()) run.failed.add(id);
      return finds.begin(turn, run);
    }
    const asked = new Set([best, ...rest].map(({ nodeId }) => nodeId));
    const unasked = [...run.considered.values()].filter(({ nodeId }) => !asked.has(nodeId));
    run.considered.clear();
    for (const entry of [{ ...best, accepted: true }, ...rest, ...unasked]) run.considered.set(entry.nodeId, entry);
    member.node = best.nodeId;
    this.#taken.set(best.nodeId, add(this.#taken.get(best.nodeId) ?? NO_RESOURCES, run.wanted.resources));
  }

  /** Who would take it, best first, then who would not. */
  #ranked(run: Run, answers: ReadonlyMap<NodeId, Answer>): readonly Considered[] {
    const { runs } = this.#options;
    const { self, directory, member } = runs.options;
    const need = needOf(run, self);
    const mean = directory.mean();
    const all = Array.from(answers, ([nodeId, answer]): Considered => {
      const free = subtract(answer.free, this.#taken.get(nodeId) ?? NO_RESOURCES);
      const said = answer.reason === undefined ? undefined : { reason: answer.reason, detail: answer.detail };
      const short = said?.reason === 'cpu' || said?.reason === 'memory';
      const why =
        ruledOut(run, nodeId) ?? this.#portPlanned(run, nodeId) ?? (short ? undefined : said) ?? lacking(run.wanted.resources, free);
      const known = member(nodeId);
      const value = why === undefined && known !== undefined ? score(need, { class: known.class, free }, mean) : undefined;
      return { nodeId, name: runs.nameOf(nodeId), accepted: false, reason: why?.reason, detail: why?.detail ?? '', free, score: value };
    });
    const fitting = all.filter((entry) => entry.score !== undefined).toSorted((a, b) => (a.score ?? 0) - (b.score ?? 0));
    return [...fitting, ...all.filter((entry) => entry.score === undefined)];
  }

  /** A part that would go there has the port. */
  #portPlanned({ wanted }: Run, nodeId: NodeId): Unfit | undefined {
    const there = this.#members.filter(({ node }) => node === nodeId);
    const had = there.map(({ unit: { wanted, parts } }) => ({ hostPorts: wanted.hostPorts, by: parts[0].name }));
    return takenPort(wanted, had, NO_FACTS, () => false);
  }

  #planned(turn: Turn): void {
    const { stack, runs, replyTo } = this.#options;
    const parts = stack.parts.map(({ request }): StackPlacement => {
      const member = this.#members.find(({ unit }) => unit.parts.includes(request));
      assert(member?.node !== undefined, 'each part of a plan has its node');
      const placement = { ...placementOf(member.run, runs.options.self, member.node, turn.nowMs), requestId: request.id };
      return { containerId: request.containerId, supplier: member.node, placement };
    });
    this.#close();
    turn.reply(replyTo, { ok: true, kind: 'planned', parts });
  }

  #end(turn: Turn, error: CoreError, refused: Run | undefined): void {
    if (this.#over) return;
    const { runs, replyTo } = this.#options;
    this.#close();
    const placement = refused === undefined ? undefined : placementOf(refused, runs.options.self, undefined, turn.nowMs);
    turn.reply(replyTo, { ok: false, error, ...(placement !== undefined && { placement }) });
  }

  /** Nobody remembers anything of it: there is nothing to cancel. */
  #close(): void {
    this.#over = true;
    for (const { run } of this.#members) this.#options.runs.drop(run);
    this.#options.done();
  }

  #memberOf(run: Run): Member {
    const member = this.#members.find((candidate) => candidate.run === run);
    assert(member !== undefined, 'a run asks its own plan');
    return member;
  }
}
