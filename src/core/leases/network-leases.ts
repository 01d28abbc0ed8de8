import type { ContainerId, NodeId } from '../model/index.ts';
import { hasFreeBlock, wantsMore } from './acquire.ts';
import { unfit } from './addresses.ts';
import { cede, reclaim, surplus } from './give-up.ts';
import { givingJob } from './giving-job.ts';
import { Holdings } from './holdings.ts';
import { NetworkTimers } from './host.ts';
import type { LeasesHost } from './host.ts';
import { Lane } from './lane.ts';
import type { JobFailure } from './lane.ts';
import { Need } from './need.ts';
import type {
  ChangeAnswer,
  LeaseAnswer,
  LeaseRequest,
  LeaseRequestId,
  LeasesAnswer,
  LeaseTimer,
  LeaseToken,
  LeaseTurn,
  NetworkCopy,
  TakeId,
} from './port.ts';
import { idleJob, returnJob } from './return-jobs.ts';
import { Singles } from './singles.ts';
import { LEASES } from './tunables.ts';

/** One network at this node: takes and gives, what peers ask, and what is done in the background. */
export class NetworkLeases {
  readonly holdings: Holdings;
  readonly #host: LeasesHost;
  readonly #lane: Lane;
  readonly #need: Need;
  readonly #singles: Singles;
  readonly #timers: NetworkTimers;
  #keepOne = false;
  /** Who was told to renumber. */
  readonly #told = new Set<ContainerId>();
  /** Failures in a row: how patient the background is. */
  #failures = 0;

  constructor(holdings: Holdings, host: LeasesHost) {
    this.holdings = holdings;
    this.#host = host;
    this.#timers = new NetworkTimers(holdings.network);
    this.#lane = new Lane(holdings, {
      nextToken: () => host.nextToken(holdings.network),
      kept: () => host.kept(),
      patience: (turn, afterMs) => this.#timers.set(turn, 'again', afterMs),
      resolveLater: (turn) => this.#timers.set(turn, 'resolve', this.#againMs()),
    });
    const settled = (turn: LeaseTurn, failure?: JobFailure | 'nothing') => this.#settled(turn, failure);
    this.#need = new Need(holdings, this.#lane, { nextToken: (id) => host.nextToken(id), keepOne: () => this.#keepOne, settled });
    this.#singles = new Singles(holdings, this.#lane, { nextToken: (id) => host.nextToken(id), settled });
  }

  /** Nothing here is worth remembering. */
  get isEmpty(): boolean {
    const { facts, own, inUse, pending } = this.holdings;
    const isQuiet = this.#lane.isIdle && !this.#need.isBusy && this.#singles.size === 0;
    return facts === undefined && own.length === 0 && inUse.size === 0 && pending === undefined && isQuiet;
  }

  start(turn: LeaseTurn): void {
    if (this.holdings.pending !== undefined || this.holdings.strays().length > 0) this.#lookAgain(turn);
    this.#review(turn);
  }

  seeCopy(turn: LeaseTurn, copy: NetworkCopy): void {
    this.holdings.seeCopy(copy);
    this.holdings.isCurrent = true;
    this.#renumber(turn);
    this.#review(turn);
  }

  keepOne(turn: LeaseTurn, id: TakeId): void {
    this.#keepOne = true;
    if (this.holdings.facts === undefined) turn.refused(id, { code: 'no-network' });
    else this.#wait(turn, id, undefined);
  }

  take(turn: LeaseTurn, id: TakeId, owner: ContainerId, ip: number | undefined): void {
    const { holdings } = this;
    const had = holdings.inUse.get(owner);
    if (had !== undefined && !this.#told.has(owner) && (ip === undefined || ip === had)) {
      turn.granted(id, had);
      return;
    }
    this.#release(owner);
    if (holdings.facts === undefined) turn.refused(id, { code: 'no-network' });
    else if (ip === undefined) this.#wait(turn, id, owner);
    else this.#takeOne(turn, id, owner, ip);
    this.#review(turn);
  }

  give(turn: LeaseTurn, owner: ContainerId): void {
    this.#need.giveUp(turn, owner);
    this.#singles.giveUp(turn, owner);
    if (!this.#release(owner)) return;
    this.#host.keepSoon(turn);
    this.#review(turn);
  }

  requested(turn: LeaseTurn, id: LeaseRequestId, from: NodeId, request: LeaseRequest): void {
    const { holdings } = this;
    const answer = (later: LeaseTurn, said: LeaseAnswer) => {
      later.answer(id, said);
      this.#settled(later, undefined);
    };
    switch (request.kind) {
      case 'cede':
        this.#lane.run(
          turn,
          givingJob((leases) => cede(holdings, leases, request.address, from), answer),
        );
        break;
      case 'reclaim':
        this.#lane.run(
          turn,
          givingJob((leases) => reclaim(holdings, leases), answer),
        );
        break;
      case 'return':
        this.#lane.run(
          turn,
          returnJob(this.#lane, holdings, () => this.#isInUse(), answer),
        );
        break;
    }
  }

  read(turn: LeaseTurn, token: LeaseToken, answer: LeasesAnswer): void {
    this.#lane.answerRead(turn, token, answer);
  }

  changed(turn: LeaseTurn, token: LeaseToken, answer: ChangeAnswer): void {
    this.#lane.answerChange(turn, token, answer);
  }

  asked(turn: LeaseTurn, token: LeaseToken, answer: LeaseAnswer | undefined): void {
    if (!this.#singles.asked(turn, token, answer)) this.#need.asked(turn, token, answer);
  }

  timer(turn: LeaseTurn, timer: LeaseTimer): void {
    if (timer.name === 'take') {
      this.#need.expire(turn, timer.token as TakeId);
      this.#singles.expire(turn, timer.token as TakeId);
      return;
    }
    if (!this.#timers.take(timer)) return;
    if (timer.name === 'again') this.#lane.goOn(turn);
    else if (timer.name === 'resolve') this.#lookAgain(turn);
    else if (timer.name === 'ahead' && this.#wantsAhead()) this.#need.acquire(turn);
    else if (timer.name === 'idle') this.#returnIdle(turn);
  }

  #takeOne(turn: LeaseTurn, id: TakeId, owner: ContainerId, ip: number): void {
    const { holdings } = this;
    const why = holdings.facts === undefined ? undefined : unfit(holdings.facts, ip);
    const user = holdings.userOf(ip);
    if (why !== undefined) turn.refused(id, { code: 'out-of-subnet', why });
    else if (user !== undefined) turn.refused(id, { code: 'in-use', holder: holdings.self, by: user });
    else if (holdings.canHandOut(ip)) {
      holdings.use(owner, ip);
      turn.granted(id, ip);
    } else {
      turn.setTimer({ name: 'take', network: holdings.network, token: id }, LEASES.takeMs);
      this.#singles.add(turn, id, owner, ip);
    }
  }

  #wait(turn: LeaseTurn, id: TakeId, owner: ContainerId | undefined): void {
    const before = this.#need.size;
    this.#need.add(turn, id, owner);
    if (this.#need.size > before) turn.setTimer({ name: 'take', network: this.holdings.network, token: id }, LEASES.takeMs);
  }

  #release(owner: ContainerId): boolean {
    this.#told.delete(owner);
    return this.holdings.release(owner);
  }

  /** A read, to know what is so: it settles a change in doubt, too. */
  #lookAgain(turn: LeaseTurn): void {
    this.#lane.run(turn, {
      decide: () => undefined,
      done: (later) => this.#settled(later, undefined),
      failed: (later, why) => {
        this.#settled(later, why);
        this.#timers.set(later, 'resolve', this.#againMs());
      },
    });
  }

  #isInUse(): boolean {
    return this.#keepOne || this.holdings.inUse.size > 0 || this.#need.size > 0 || this.#singles.size > 0;
  }

  #returnIdle(turn: LeaseTurn): void {
    const ended = (later: LeaseTurn, failure: JobFailure | undefined) => {
      this.#settled(later, failure);
      if (failure !== undefined) this.#timers.set(later, 'idle', this.#againMs());
    };
    this.#lane.run(
      turn,
      idleJob(this.#lane, () => surplus(this.holdings, this.#keepOne), ended),
    );
  }

  #settled(turn: LeaseTurn, failure: JobFailure | 'nothing' | undefined): void {
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    this.#renumber(turn);
    this.#review(turn);
  }

  #renumber(turn: LeaseTurn): void {
    const { holdings } = this;
    if (!holdings.isCurrent) return;
    const strays = new Set(holdings.strays());
    for (const owner of this.#told) if (!strays.has(owner)) this.#told.delete(owner);
    for (const owner of strays) {
      if (this.#told.has(owner)) continue;
      this.#told.add(owner);
      turn.renumber(holdings.network, owner);
    }
  }

  /** What this node has, or needs, may have changed. */
  #review(turn: LeaseTurn): void {
    this.#need.serve(turn);
    if (!this.#timers.isSet('ahead') && this.#wantsAhead())
      this.#timers.set(turn, 'ahead', this.#failures === 0 ? turn.random.int(LEASES.aheadMs) : this.#againMs());
    if (surplus(this.holdings, this.#keepOne).length === 0) this.#timers.drop('idle');
    else if (!this.#timers.isSet('idle')) this.#timers.set(turn, 'idle', LEASES.idleMs);
  }

  #wantsAhead(): boolean {
    const wish = { waiting: 0, keepOne: this.#keepOne };
    return !this.#need.isBusy && wantsMore(this.holdings, wish) && (hasFreeBlock(this.holdings) || this.holdings.capacity === 0);
  }

  #againMs(): number {
    return Math.min(LEASES.firstAgainMs * 2 ** Math.min(this.#failures, 16), LEASES.lastAgainMs);
  }
}
