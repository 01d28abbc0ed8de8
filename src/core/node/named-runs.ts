import { LIMITS } from '../model/index.ts';
import type { CommandId, CoreError, NameHolder, NodeId, Request, RequestId, Result, Turn } from '../model/index.ts';
import type { NameClaims } from '../discovery/names/name-claims.ts';
import { nameTaken } from './name-taken.ts';

/** What is to get its names. */
export interface Effort {
  /** What it does while it waits for them. */
  readonly prepare: ((turn: Turn) => void) | undefined;
  /** All names are its own. */
  readonly begin: (turn: Turn) => void;
  /** It does not get them: what was prepared is given up, without a reply. */
  readonly abandon: (turn: Turn) => void;
}

interface NamedRun {
  readonly command: CommandId;
  readonly id: RequestId;
  readonly requests: readonly Request[];
  readonly effort: Effort;
  readonly sinceMs: number;
  /** Names not yet granted; the run begins when there are none. */
  missing: number;
  over: boolean;
}

/**
 * A run has its names before it launches anything, and gives them back when it comes to nothing. Here it
 * waits for them, and may look for a place meanwhile: a round trip less for every run, a find in vain for
 * one whose name is taken. That it ended is seen by its reply, whoever gives it.
 */
export class NamedRuns {
  readonly #claims: NameClaims;
  readonly #nameOf: (id: NodeId) => string;
  readonly #runs = new Map<RequestId, NamedRun>();
  readonly #byCommand = new Map<CommandId, NamedRun>();

  constructor(claims: NameClaims, nameOf: (id: NodeId) => string) {
    this.#claims = claims;
    this.#nameOf = nameOf;
  }

  /** Runs that wait for their names and do nothing else. */
  waiting(): readonly Request[] {
    return [...this.#runs.values()].flatMap(({ missing, effort, requests }) =>
      missing > 0 && effort.prepare === undefined ? requests : [],
    );
  }

  run(turn: Turn, command: CommandId, id: RequestId, requests: readonly Request[], effort: Effort): void {
    const refusal = this.#refusal(id, requests);
    if (refusal !== undefined) return turn.reply(command, { ok: false, error: refusal });
    const run: NamedRun = { command, id, requests, effort, sinceMs: turn.nowMs, missing: requests.length, over: false };
    this.#runs.set(id, run);
    this.#byCommand.set(command, run);
    let prepared = false;
    for (const request of requests) {
      if (run.over) return;
      const { id: requestId, containerId, name } = request;
      this.#claims.claim(turn, { requestId, containerId, name }, (turn, holder) => {
        if (run.over) return;
        if (holder !== undefined) return this.#end(turn, run, nameTaken(name, holder, this.#nameOf), holder);
        run.missing--;
        if (prepared && run.missing === 0) effort.begin(turn);
      });
    }
    if (run.over) return;
    effort.prepare?.(turn);
    prepared = true;
    if (run.missing === 0) effort.begin(turn);
  }

  /** Gives up a run that waits for its names. @returns false where there is none of that id */
  cancel(turn: Turn, replyTo: CommandId, id: RequestId): boolean {
    const run = this.#runs.get(id);
    if (run === undefined || run.missing === 0) return false;
    this.#end(turn, run, { code: 'cancelled', message: 'the run was cancelled', changed: false }, undefined);
    turn.reply(replyTo, { ok: true, kind: 'done' });
    return true;
  }

  /** A command was answered: if it was a run, that is over. */
  replied(turn: Turn, command: CommandId, result: Result): void {
    const run = this.#byCommand.get(command);
    if (run === undefined) return;
    this.#byCommand.delete(command);
    this.#runs.delete(run.id);
    run.over = true;
    const places = placesOf(result);
    for (const { id, containerId } of run.requests) {
      const place = places.get(containerId);
      if (place !== undefined) this.#claims.placed(turn, id, place);
      // Who knows whether it exists: the claim runs out by itself, or its container takes it over.
      else if (!result.ok && result.error.changed) this.#claims.lapse(turn, id);
      else this.#claims.release(turn, id);
    }
  }

  #end(turn: Turn, run: NamedRun, error: CoreError, holder: NameHolder | undefined): void {
    run.effort.abandon(turn);
    turn.reply(run.command, { ok: false, error, ...(holder === undefined ? {} : { holder }) });
    turn.emit({ kind: 'run-refused', requestId: run.id, error, tookMs: Math.round(turn.nowMs - run.sinceMs) });
  }

  #refusal(id: RequestId, requests: readonly Request[]): CoreError | undefined {
    const twice = this.#runs.has(id) ? id : requests.find((request) => this.#claims.isUnderWay(request.id))?.id;
    if (twice !== undefined) return { code: 'wrong-state', message: `request ${twice} is being worked on already`, changed: false };
    const tooMany = (what: string): CoreError => ({
      code: 'too-many-runs',
      message: `this node ${what}; try again later, or on another node`,
      changed: false,
    });
    if (this.#runs.size >= LIMITS.runs) return tooMany(`works on ${LIMITS.runs} runs already, the most it may`);
    const { underWay } = this.#claims;
    if (underWay + requests.length <= LIMITS.nameClaims) return undefined;
    return tooMany(`claims ${underWay} names for its runs already, of ${LIMITS.nameClaims} that it may, and this needs ${requests.length}`);
  }
}

function placesOf(result: Result): ReadonlyMap<string, NodeId> {
  if (!result.ok) return new Map();
  if (result.kind === 'placed') return new Map([[result.containerId, result.supplier]]);
  if (result.kind !== 'stack-placed') return new Map();
  return new Map(result.parts.map(({ containerId, supplier }) => [containerId, supplier]));
}
