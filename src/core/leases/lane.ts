import { LIMITS } from '../model/index.ts';
import type { Lease } from '../model/index.ts';
import type { Holdings } from './holdings.ts';
import type { ChangeAnswer, KeptLeases, LeaseChange, LeasesAnswer, LeaseToken, LeaseTurn } from './port.ts';
import { LEASES } from './tunables.ts';

export type JobFailure = 'unavailable' | 'no-network' | 'contended' | 'too-many';

/** One decision about a network's leases, and its change. */
export interface Job {
  /** The change to make by what is agreed now; undefined: none. Asked again where somebody else's came first. */
  decide(turn: LeaseTurn, leases: readonly Lease[]): LeaseChange | undefined;
  /** What was decided last is so: `changed` where it needed a change, which is committed. */
  done(turn: LeaseTurn, changed: boolean): void;
  failed(turn: LeaseTurn, why: JobFailure): void;
}

/** What the lane asks of the machine. */
export interface LaneHost {
  nextToken(): LeaseToken;
  /** All that must outlive a restart. */
  kept(): KeptLeases;
  /** `goOn`, please, after this. */
  patience(turn: LeaseTurn, afterMs: number): void;
  /** A change is in doubt, and there is no agreement: `run` something, later. */
  resolveLater(turn: LeaseTurn): void;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'reading'; readonly token: LeaseToken }
  | { readonly kind: 'changing'; readonly token: LeaseToken; readonly of: 'job' | 'fence'; readonly givesUp: boolean }
  /** Somebody else's change came first: a moment's patience. */
  | { readonly kind: 'waiting' };

/**
 * The changes of one network's leases that this node makes, one at a time, each by optimistic concurrency:
 * read all leases and the guard, decide, change where the guard still stands.
 *
 * An unknown outcome of a change that gives something up is the delicate case: it may be committed at any
 * time as long as the guard stands where it was. The addresses stay in doubt, through restarts as well,
 * until a read shows that the guard has moved; where it has not, an empty change moves it, and so bars the
 * one in doubt. An unknown outcome of a change that only adds is forgotten: what it added shows in the copy.
 */
export class Lane {
  readonly #holdings: Holdings;
  readonly #host: LaneHost;
  readonly #jobs: Job[] = [];
  #state: State = { kind: 'idle' };
  #moved = 0;

  constructor(holdings: Holdings, host: LaneHost) {
    this.#holdings = holdings;
    this.#host = host;
  }

  get isIdle(): boolean {
    return this.#state.kind === 'idle';
  }

  run(turn: LeaseTurn, job: Job): void {
    if (this.#jobs.length >= LEASES.jobs) {
      job.failed(turn, 'too-many');
      return;
    }
    this.#jobs.push(job);
    if (this.#state.kind === 'idle') this.#read(turn);
  }

  /** Returns whether it was this lane's. */
  answerRead(turn: LeaseTurn, token: LeaseToken, answer: LeasesAnswer): boolean {
    if (this.#state.kind !== 'reading' || this.#state.token !== token) return false;
    if (answer === 'unavailable') this.#fail(turn, 'unavailable');
    else this.#seen(turn, answer);
    return true;
  }

  /** Returns whether it was this lane's. */
  answerChange(turn: LeaseTurn, token: LeaseToken, answer: ChangeAnswer): boolean {
    const state = this.#state;
    if (state.kind !== 'changing' || state.token !== token) return false;
    // A change that was only now tried first, and certainly was not made, is no more in doubt.
    if (state.givesUp && (answer === 'unavailable' || answer === 'no-network')) this.#holdings.pending = undefined;
    switch (answer) {
      case 'done':
        if (state.givesUp || state.of === 'fence') this.#holdings.settle();
        if (state.of === 'fence') this.#read(turn);
        else this.#finish(turn, true);
        break;
      case 'moved':
        this.#again(turn);
        break;
      case 'no-network':
        this.#holdings.pending = undefined;
        this.#fail(turn, 'no-network');
        break;
      case 'unavailable':
      case 'unknown':
        this.#fail(turn, 'unavailable');
        break;
    }
    return true;
  }

  /** The moment's patience is over. */
  goOn(turn: LeaseTurn): void {
    if (this.#state.kind === 'waiting') this.#read(turn);
  }

  #read(turn: LeaseTurn): void {
    const token = this.#host.nextToken();
    this.#state = { kind: 'reading', token };
    turn.readLeases(token, this.#holdings.network);
  }

  #seen(turn: LeaseTurn, { leases, guard, epoch }: Exclude<LeasesAnswer, 'unavailable'>): void {
    if (!this.#holdings.seeRead(leases, { epoch, revision: guard })) {
      this.#fail(turn, 'unavailable');
      return;
    }
    const { pending } = this.#holdings;
    if (pending?.guard === guard) {
      this.#change(turn, guard, { add: [], remove: [] }, 'fence');
      return;
    }
    if (pending !== undefined) this.#holdings.settle();
    const change = this.#jobs[0]?.decide(turn, leases);
    if (change === undefined) this.#finish(turn, false);
    else if (leases.length + change.add.length - change.remove.length > LIMITS.leases) this.#fail(turn, 'too-many');
    else this.#change(turn, guard, change, 'job');
  }

  #change(turn: LeaseTurn, guard: number, change: LeaseChange, of: 'job' | 'fence'): void {
    const { network, self } = this.#holdings;
    const givesUp = change.remove.length > 0 || change.add.some(({ node }) => node !== self);
    if (givesUp) this.#holdings.pending = { guard, ...change };
    const token = this.#host.nextToken();
    this.#state = { kind: 'changing', token, of, givesUp };
    turn.changeLeases(token, network, guard, change, givesUp ? this.#host.kept() : undefined);
  }

  #again(turn: LeaseTurn): void {
    this.#moved += 1;
    if (this.#moved >= LEASES.movedTries) {
      this.#fail(turn, 'contended');
      return;
    }
    this.#state = { kind: 'waiting' };
    const patienceMs = Math.min(LEASES.firstMovedMs * 2 ** Math.min(this.#moved, 16), LEASES.lastMovedMs);
    this.#host.patience(turn, turn.random.int(patienceMs));
  }

  #finish(turn: LeaseTurn, changed: boolean): void {
    const job = this.#jobs.shift();
    this.#moved = 0;
    this.#state = { kind: 'idle' };
    job?.done(turn, changed);
    if (this.#jobs.length > 0 && this.isIdle) this.#read(turn);
  }

  /** Without agreement all that wait fail with the first: each would wait as long for the same answer. */
  #fail(turn: LeaseTurn, why: JobFailure): void {
    const jobs = why === 'contended' || why === 'too-many' ? this.#jobs.splice(0, 1) : this.#jobs.splice(0);
    this.#moved = 0;
    this.#state = { kind: 'idle' };
    for (const job of jobs) job.failed(turn, why);
    if (this.#jobs.length > 0 && this.isIdle) this.#read(turn);
    if (this.#holdings.pending !== undefined) this.#host.resolveLater(turn);
  }
}
