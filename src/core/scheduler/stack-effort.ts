/**
 * Several requests, all of them or none (DESIGN §6, Groups).
 *
 *     holding ──all held──▶ launching ──all ready──▶ placed
 *        └ one refused, cancelled ─┴─▶ taking back ──all answered──▶ refused
 *
 * Before it is refused for want of room, all is given back and looked for once more, one after the other
 * and the largest first: side by side, small parts may have taken what only the large one can't do without.
 *
 * Each unit is looked for by a Run of its own, a few side by side in the stack's order, but those of one
 * spread group one after the other; what is held is renewed until the last one is. Then all are launched: a co-location group's first part, and once it is
 * recorded, which shows that the hold stands, the others one by one; what has affinities to other
 * parts after those are ready, so that they are met when its supplier looks. A part that can't be
 * launched on its node goes to another, as a single run does, but one whose group is on that node.
 *
 * Taking back: holds are cancelled, what was launched is removed unless a user started it meanwhile. The
 * reply comes when every supplier has answered; one that died or kept silent is named, with `changed`.
 * If this node itself dies, holds expire within seconds; what was launched and never started stays, and
 * gives its room back after ten minutes, as a single run's does.
 *
 * Cost: what the units cost as single runs, a renewal each 2 s for each that waits, a launch for each part.
 */
import type { CommandId, CoreError, NodeId, Request, Stack, StackPlacement, Turn } from '../model/index.ts';
import { assert, assertNever } from '../../lib/assert.ts';
import type { Finds } from './find.ts';
import { CANCELLED } from './launch.ts';
import type { Launches } from './launch.ts';
import { placementOf } from './need.ts';
import { WAITING, forget, newRun, supplierOf } from './run.ts';
import type { Companion, Owner, Run } from './run.ts';
import type { Runs } from './runs.ts';
import { SCHEDULER } from './tunables.ts';
import { bySize } from './units.ts';
import type { Unit } from './units.ts';

export interface EffortOptions {
  readonly stack: Stack;
  readonly units: readonly Unit[];
  readonly exclude: readonly NodeId[];
  readonly replyTo: CommandId;
  readonly runs: Runs;
  readonly finds: Finds;
  /** It has replied. */
  readonly done: () => void;
}

/** A unit and its runs, one for each part; the first one looks for the node of all. */
interface Member {
  readonly unit: Unit;
  readonly runs: readonly [Run, ...Run[]];
}

export class StackEffort implements Owner {
  readonly takesBack = true;
  readonly plans = false;
  readonly #options: EffortOptions;
  readonly #launches: Launches;
  readonly #members: readonly Member[];
  readonly #startedMs: number;
  /** In which order units are looked for, and how many at a time. */
  #order: readonly Member[];
  #width: number = SCHEDULER.stackFinds;
  #launching = false;
  /** Why it comes to nothing, and which run said so. */
  #error: CoreError | undefined;
  #refused: Run | undefined;
  /** Runs that are over, and what they could not take back, in words. */
  readonly #over = new Set<Run>();
  readonly #left: string[] = [];
  #replied = false;

  constructor(turn: Turn, options: EffortOptions, launches: Launches) {
    this.#options = options;
    this.#launches = launches;
    this.#startedMs = turn.nowMs;
    this.#members = options.units.map((unit) => {
      const [first, ...rest] = unit.parts;
      const run = (part: Request): Run => newRun(turn, part, this, options.exclude, { ...unit, group: unit.hold });
      return { unit, runs: [run(first), ...rest.map(run)] };
    });
    this.#order = this.#members;
  }

  begin(turn: Turn): void {
    for (const run of this.#all()) this.#options.runs.add(run);
    this.#step(turn);
  }

  /** A user gives it up. */
  cancel(turn: Turn): void {
    if (this.#error !== undefined) return;
    this.#error = CANCELLED;
    this.#takeBack(turn);
  }

  others(run: Run): readonly NodeId[] {
    const { group } = this.#memberOf(run).unit;
    if (group?.policy !== 'spread') return [];
    const nodes = this.#members.map(({ unit, runs }) => (unit.group === group && runs[0] !== run ? supplierOf(runs[0]) : undefined));
    return nodes.filter((node) => node !== undefined);
  }

  companions(run: Run): readonly Companion[] {
    const { after } = this.#memberOf(run).unit;
    return after.flatMap((at) => {
      const { runs } = this.#members[at] as Member;
      const node = supplierOf(runs[0]);
      return node === undefined ? [] : runs.map(({ request: part }) => ({ part, node }));
    });
  }

  mayMove(run: Run): boolean {
    const [first, ...rest] = this.#memberOf(run).runs;
    return run === first && rest.every(({ stage }) => stage.kind === 'waiting');
  }

  /** Whoever wants to be where it was, or not there, looks anew once it is settled. */
  moving(turn: Turn, run: Run): void {
    const moved = this.#members.indexOf(this.#memberOf(run));
    for (const { unit, runs } of this.#members) {
      const [first] = runs;
      if (!unit.after.includes(moved) || first.stage.kind === 'waiting') continue;
      const supplier = supplierOf(first);
      if (supplier !== undefined) this.#options.runs.cancel(turn, first, supplier);
      first.stage = WAITING;
      first.finds = 0;
      this.moving(turn, first);
    }
  }

  held(turn: Turn, run: Run): void {
    const { runs } = this.#options;
    assert(run.stage.kind === 'held', 'what is held is');
    run.finds = 0;
    run.stage = { ...run.stage, token: runs.setTimer(turn, run, runs.options.times.launchMs) };
    this.#step(turn);
  }

  recorded(turn: Turn): void {
    this.#step(turn);
  }

  ready(turn: Turn): void {
    this.#step(turn);
  }

  answered(): void {}

  failed(turn: Turn, run: Run, error: CoreError): void {
    if (this.#maySortAnew(error)) return this.#sortAnew(turn, run);
    this.#over.add(run);
    if (this.#error !== undefined) {
      if (error.changed) this.#left.push(error.message);
      return this.#settle(turn);
    }
    const { unit } = this.#memberOf(run);
    const whose = unit.hold !== undefined && error.code === 'no-room' ? `group ${unit.group?.name ?? ''}` : run.request.name;
    this.#error = this.#all().length === 1 ? error : { ...error, message: `${whose}: ${error.message}` };
    this.#refused = run;
    this.#takeBack(turn);
  }

  #step(turn: Turn): void {
    if (this.#error !== undefined) return;
    this.#launching ||= this.#members.every(({ runs: [{ stage }] }) => stage.kind === 'held');
    if (this.#launching) this.#launch(turn);
    else this.#look(turn);
  }

  #maySortAnew({ code }: CoreError): boolean {
    return code === 'no-room' && this.#error === undefined && !this.#launching && this.#width > 1 && this.#members.length > 1;
  }

  #sortAnew(turn: Turn, refused: Run): void {
    const { runs, units } = this.#options;
    this.#width = 1;
    this.#order = bySize(units, runs.options.directory.mean()).map((at) => this.#members[at] as Member);
    for (const run of this.#all()) {
      const holder = run.stage.kind === 'finding' ? run.stage.trader : supplierOf(run);
      if (holder !== undefined && run !== refused) runs.cancel(turn, run, holder);
      forget(run);
      runs.add(run);
    }
    this.#step(turn);
  }

  #look(turn: Turn): void {
    for (const { unit, runs } of this.#order) {
      const [first] = runs;
      const busy = this.#members.filter(({ runs: [{ stage }] }) => stage.kind !== 'waiting' && stage.kind !== 'held');
      if (this.#error !== undefined || busy.length >= this.#width) return;
      // Side by side, two of a spread group would only meet on the node that suits both best.
      const meets = unit.group?.policy === 'spread' && busy.some((other) => other.unit.group === unit.group);
      if (first.stage.kind === 'waiting' && !meets && this.#comesAfter(unit, isHeld)) this.#options.finds.begin(turn, first);
    }
  }

  #launch(turn: Turn): void {
    for (const { unit, runs } of this.#members) {
      if (this.#error !== undefined) return;
      if (!this.#comesAfter(unit, isReady)) continue;
      const [first] = runs;
      if (first.stage.kind === 'waiting') this.#options.finds.begin(turn, first);
      else if (first.stage.kind === 'held') this.#launches.begin(turn, first, first.stage.supplier);
      else if (isRecorded(first)) this.#launchNext(turn, runs);
    }
    if (this.#all().every(isReady)) this.#placed(turn);
  }

  /** Of a co-location group, into the hold that the first one was launched into. */
  #launchNext(turn: Turn, runs: readonly [Run, ...Run[]]): void {
    const [first] = runs;
    const next = runs.find((run) => !isRecorded(run));
    const supplier = supplierOf(first);
    if (next?.stage.kind !== 'waiting' || supplier === undefined) return;
    next.attempt = first.attempt;
    next.by = first.by;
    next.wishes = first.wishes;
    for (const [id, entry] of first.considered) next.considered.set(id, entry);
    this.#launches.begin(turn, next, supplier);
  }

  #placed(turn: Turn): void {
    const { stack, runs, replyTo, done } = this.#options;
    const tookMs = Math.round(turn.nowMs - this.#startedMs);
    const parts = stack.parts.map(({ request }): StackPlacement => {
      const run = this.#all().find((candidate) => candidate.request === request);
      const supplier = run === undefined ? undefined : supplierOf(run);
      assert(run !== undefined && supplier !== undefined, 'each part of a stack that is placed has its run');
      const { id: requestId, containerId } = request;
      turn.emit({ kind: 'run-placed', requestId, containerId, supplier, tookMs, messages: run.messages });
      return { containerId, supplier, placement: placementOf(run, runs.options.self, supplier, turn.nowMs) };
    });
    for (const run of this.#all()) runs.drop(run);
    done();
    turn.reply(replyTo, { ok: true, kind: 'stack-placed', parts });
  }

  #takeBack(turn: Turn): void {
    for (const run of this.#all()) {
      const { stage } = run;
      if (this.#over.has(run)) continue;
      switch (stage.kind) {
        case 'waiting':
        case 'looking-up':
        case 'finding':
        case 'asking':
        case 'reserving':
        case 'held':
          this.#options.runs.failed(turn, run, CANCELLED);
          break;
        case 'launching':
          this.#launches.cancel(turn, run, stage);
          break;
        case 'ready':
          this.#launches.takeBack(turn, run, stage);
          break;
        default:
          assertNever(stage);
      }
    }
    this.#settle(turn);
  }

  #settle(turn: Turn): void {
    const { stack, runs, replyTo, done } = this.#options;
    const cause = this.#error;
    if (cause === undefined || this.#replied || this.#over.size < this.#all().length) return;
    this.#replied = true;
    const left = this.#left.length === 0 ? '' : `; could not be taken back, look for them there: ${this.#left.join('; ')}`;
    const error = { code: cause.code, message: `${cause.message}${left}`, changed: cause.changed || left !== '' };
    const { self } = runs.options;
    done();
    const placement = this.#refused === undefined ? undefined : placementOf(this.#refused, self, undefined, turn.nowMs);
    turn.reply(replyTo, { ok: false, error, ...(placement !== undefined && { placement }) });
    turn.emit({ kind: 'run-refused', requestId: stack.id, error, tookMs: Math.round(turn.nowMs - this.#startedMs) });
  }

  #comesAfter({ after }: Unit, done: (run: Run) => boolean): boolean {
    return after.every((at) => this.#members[at]?.runs.every(done) !== false);
  }

  #all(): readonly Run[] {
    return this.#members.flatMap(({ runs }) => runs);
  }

  #memberOf(run: Run): Member {
    const member = this.#members.find(({ runs }) => runs.includes(run));
    assert(member !== undefined, 'a run asks its own stack');
    return member;
  }
}

const isReady = ({ stage }: Run): boolean => stage.kind === 'ready';
const isRecorded = (run: Run): boolean => isReady(run) || (run.stage.kind === 'launching' && run.stage.recorded);
/** The others of a co-location group have no hold of their own. */
const isHeld = ({ stage, group, request }: Run): boolean =>
  stage.kind === 'held' || stage.kind === 'launching' || stage.kind === 'ready' || (group !== undefined && group.hold !== request.id);
