import type { CoreError, Member, Message, NodeId, RequestId, Turn } from '../model/index.ts';
import type { Directory } from '../discovery/directory.ts';
import type { LookUp } from '../discovery/names/lookup.ts';
import { holdId, supplierOf } from './run.ts';
import type { Run } from './run.ts';
import { refusalText } from './refusal-text.ts';
import type { Asked } from './refusal-text.ts';
import { DISCOVERY } from '../discovery/tunables.ts';
import type { SchedulerTimes } from './tunables.ts';
import { hasWishes } from './wishes.ts';

export interface SchedulerOptions {
  readonly self: NodeId;
  readonly directory: Directory;
  /** Alive and suspect members, this node among them. */
  readonly alive: () => readonly Member[];
  readonly member: (id: NodeId) => Member | undefined;
  /** Where containers are, for affinities in instances too large to ask everybody. */
  readonly lookUp: LookUp;
  readonly times: SchedulerTimes;
}

/** The runs under way, and what their stages share. */
export class Runs {
  readonly options: SchedulerOptions;
  readonly #runs = new Map<RequestId, Run>();
  readonly #again: (turn: Turn, run: Run) => void;
  #token = 0;

  /** @param again begins a run anew that has given its soft wishes up */
  constructor(options: SchedulerOptions, again: (turn: Turn, run: Run) => void) {
    this.options = options;
    this.#again = again;
  }

  get size(): number {
    return this.#runs.size;
  }

  get(id: RequestId): Run | undefined {
    return this.#runs.get(id);
  }

  all(): readonly Run[] {
    return [...this.#runs.values()];
  }

  isLive(id: NodeId): boolean {
    const state = this.options.member(id)?.state;
    return state === 'alive' || state === 'suspect';
  }

  /** Alive and suspect members: all, or those of them. */
  live(among: ReadonlySet<NodeId> | undefined): readonly Member[] {
    const { alive, member } = this.options;
    if (among === undefined) return alive();
    return [...among].flatMap((id) => (this.isLive(id) ? [member(id) as Member] : []));
  }

  add(run: Run): void {
    this.#runs.set(run.request.id, run);
  }

  nameOf(id: NodeId): string {
    return this.options.member(id)?.name ?? id.slice(0, 12);
  }

  send(turn: Turn, run: Run, to: NodeId, message: Message): void {
    run.messages++;
    turn.send(to, message);
  }

  /** Gives back what may be held for it there: of its newest attempt, and of any before. */
  cancel(turn: Turn, run: Run, to: NodeId): void {
    this.send(turn, run, to, { kind: 'cancel', requestId: run.request.id, attempt: run.attempt, takeBack: false });
  }

  renew(turn: Turn, run: Run, supplier: NodeId): void {
    this.send(turn, run, supplier, { kind: 'renew', requestId: holdId(run), attempt: run.attempt });
  }

  setTimer(turn: Turn, run: Run, afterMs: number): number {
    const token = ++this.#token;
    turn.setTimer({ machine: 'buyer', name: 'run', key: run.request.id, token }, afterMs);
    return token;
  }

  /** Ends it with an error; whatever is held for it somewhere is given back. */
  failed(turn: Turn, run: Run, error: CoreError): void {
    this.#giveBack(turn, run);
    this.end(turn, run, error);
  }

  /** Ends it without a word to its owner. */
  abandon(turn: Turn, run: Run): void {
    this.#giveBack(turn, run);
    this.drop(run);
  }

  /** Nobody takes it: without its soft wishes, perhaps. Where somebody did and could not launch it, that is the answer. */
  refused(turn: Turn, run: Run, direct: boolean): void {
    if (hasWishes(run)) {
      run.wishes = 'given-up';
      run.finds = 0;
      run.misses = 0;
      return this.#again(turn, run);
    }
    const nodes = this.options.directory.ring.size;
    // Some of many were asked: as with the directory, there may be one that has room.
    const all = direct && run.sampled === undefined;
    // Who was asked in an earlier attempt may be gone by now: the counts have to add up.
    const considered = [...run.considered.values()].filter(
      ({ nodeId }) => !all || (this.isLive(nodeId) && run.among?.has(nodeId) !== false),
    );
    const why = refusalText(run.wanted.resources, considered, { nodes, direct: all, among: this.#amongOf(run), unknown: run.unknown });
    const { launchError } = run;
    const error: CoreError =
      launchError === undefined
        ? { code: 'no-room', message: why, changed: false }
        : { ...launchError, message: run.failed.size < nodes ? `${launchError.message} (and elsewhere: ${why})` : launchError.message };
    this.failed(turn, run, error);
  }

  /** Whether everyone may be asked. */
  get small(): boolean {
    return this.options.directory.ring.size <= DISCOVERY.smallInstance;
  }

  end(turn: Turn, run: Run, error: CoreError): void {
    this.drop(run);
    run.owner.failed(turn, run, error);
  }

  drop(run: Run): void {
    this.#runs.delete(run.request.id);
  }

  #giveBack(turn: Turn, run: Run): void {
    const holder = run.stage.kind === 'finding' ? run.stage.trader : supplierOf(run);
    if (holder !== undefined) this.cancel(turn, run, holder);
  }

  /** Where only some nodes could be asked at all. */
  #amongOf({ among, amongWords, sampled }: Run): Asked['among'] {
    if (among === undefined) return sampled;
    return { nodes: this.live(among).length, words: amongWords.join(' and ') };
  }
}
