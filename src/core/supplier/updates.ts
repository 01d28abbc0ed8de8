/**
 * Update: other limits and another restart policy for a container that exists.
 *
 *     room for what is more → `updating` stored → engine-update → request stored → room of what is less free
 *          │ none                                     │ fails: as it was       │ fails: the engine is told the old again
 *          └ no-room                                  └────────────────────────┘
 *
 * While it is under way the node holds the larger of both figures, so that at no moment more runs here than is
 * counted, not even after a crash in between: then the engine is told the record's spec again, the old one.
 */
import type { Command, CommandId, CoreError, Request, Resources, Turn } from '../model/index.ts';
import { larger, sameResources } from '../model/index.ts';
import { isAmount, lacking } from '../model/filter.ts';
import type { Changes } from './changes.ts';
import type { Context } from './context.ts';
import { called, idOf, roomOf } from './entry.ts';
import type { Entry } from './entry.ts';
import { containerKey } from './ledger.ts';
import { SUPPLIER } from './tunables.ts';

type Update = Extract<Command, { readonly kind: 'update' }>;

export class Updates {
  readonly #context: Context;
  readonly #changes: Changes;

  constructor(context: Context, changes: Changes) {
    this.#context = context;
    this.#changes = changes;
  }

  /** The entry is idle or backing off, and made or waiting to be started. */
  update(turn: Turn, entry: Entry, id: CommandId, { resources, restart, spec }: Update): void {
    const { request: before, updating: had } = entry.container;
    const after: Request = { ...before, resources, restart, spec };
    const error = clash(entry, after) ?? this.#makeRoom(entry, resources);
    if (error !== undefined) return turn.reply(id, { ok: false, error });
    this.#changes.begin(entry);
    const done = (turn: Turn, error: CoreError | undefined): void => this.#over(turn, entry, id, error);
    if (!isEnginesToo(before, after)) return this.#store(turn, entry, before, after, done);
    this.#context.record(turn, entry, { updating: larger(roomOf(entry.container), resources) }, (turn, error) => {
      if (error !== undefined) {
        entry.container = { ...entry.container, updating: had };
        return done(turn, error);
      }
      this.#tell(turn, after, (turn, error) => {
        if (error === undefined) return this.#store(turn, entry, before, after, done);
        this.#context.note(turn, entry, { updating: had });
        done(turn, error);
      });
    });
  }

  /** After a crash amid an update: what the engine has may be another spec than the record's. Until it takes that. */
  repeat(turn: Turn, entry: Entry): void {
    const { activity, container } = entry;
    if (container.updating === undefined) return;
    if (activity.kind !== 'idle' && activity.kind !== 'backing-off') return this.#repeatLater(turn, entry);
    this.#changes.begin(entry);
    this.#tell(turn, container.request, (turn, error) => {
      if (error === undefined) {
        this.#context.note(turn, entry, { updating: undefined });
        this.#cut(entry);
      } else this.#repeatLater(turn, entry);
      this.#changes.end(turn, entry);
    });
  }

  #repeatLater(turn: Turn, entry: Entry): void {
    this.#context.setTimer(turn, 'update-again', idOf(entry), SUPPLIER.updateAgainMs);
  }

  /** A record that can't be written is as if nothing had been asked: the engine takes back what it has done. */
  #store(turn: Turn, entry: Entry, before: Request, after: Request, done: (turn: Turn, error: CoreError | undefined) => void): void {
    const change = isEnginesToo(before, after) ? { request: after, updating: undefined } : { request: after };
    this.#context.record(turn, entry, change, (turn, error) => {
      if (error === undefined) {
        turn.emit({ kind: 'container-updated', containerId: idOf(entry), resources: after.resources });
        return done(turn, undefined);
      }
      if (!isEnginesToo(before, after)) {
        entry.container = { ...entry.container, request: before };
        return done(turn, error);
      }
      entry.container = { ...entry.container, updating: larger(roomOf(entry.container), before.resources) };
      this.#tell(turn, before, (turn, refused) => {
        // Where it takes nothing back, it has the new limits: they count, and are written once the disk takes them.
        this.#context.note(turn, entry, { request: refused === undefined ? before : after, updating: undefined });
        done(turn, { ...error, changed: refused !== undefined });
      });
    });
  }

  #tell(turn: Turn, request: Request, then: (turn: Turn, error: CoreError | undefined) => void): void {
    const { containerId, spec, resources } = request;
    this.#context.orders.perform(turn, { kind: 'engine-update', containerId, spec, resources }, (turn, answer) =>
      then(turn, answer.ok ? undefined : answer.error),
    );
  }

  #over(turn: Turn, entry: Entry, id: CommandId, error: CoreError | undefined): void {
    this.#cut(entry);
    turn.reply(id, error === undefined ? { ok: true, kind: 'done' } : { ok: false, error });
    this.#changes.end(turn, entry);
  }

  /** It may have given its room back meanwhile. */
  #cut(entry: Entry): void {
    const { ledger } = this.#context;
    const key = containerKey(idOf(entry));
    if (ledger.has(key)) ledger.cut(key, roomOf(entry.container));
  }

  /** Where it holds nothing it asks for room at its next start: all that it must not be is larger than the node. */
  #makeRoom(entry: Entry, wanted: Resources): CoreError | undefined {
    const { ledger, self } = this.#context;
    const key = containerKey(idOf(entry));
    const { resources: own } = entry.container.request;
    if (ledger.has(key) && ledger.widen(key, wanted)) return undefined;
    const room = ledger.has(key) ? ledger.freeFor(key) : self().capacity;
    const missing = lacking(grown(own, wanted), room);
    if (missing === undefined) return undefined;
    const message = `${self().name} has too little room for the new limits of ${called(entry)}: ${missing.detail}. Stop another container there, or run this one anew.`;
    return { code: 'no-room', message, changed: false };
  }
}

/** The restart policy is not the engine's. */
function isEnginesToo(a: Request, b: Request): boolean {
  return a.spec !== b.spec || !sameResources(a.resources, b.resources);
}

/** What is to grow; what is to shrink fits whatever there is. */
function grown(own: Resources, wanted: Resources): Resources {
  return {
    cpuMillicores: wanted.cpuMillicores > own.cpuMillicores ? wanted.cpuMillicores : 0,
    memoryBytes: wanted.memoryBytes > own.memoryBytes ? wanted.memoryBytes : 0,
  };
}

function clash(entry: Entry, { autoRemove, restart, resources }: Request): CoreError | undefined {
  if (!isAmount(resources)) {
    const { cpuMillicores, memoryBytes } = resources;
    const message = `${cpuMillicores} millicores and ${memoryBytes} bytes are no limits: use whole numbers that are not negative`;
    return { code: 'invalid-request', message, changed: false };
  }
  if (!autoRemove || restart.name === 'no') return undefined;
  const message = `${called(entry)} removes itself at its end (--rm): it can't be restarted by policy ${restart.name}`;
  return { code: 'invalid-request', message, changed: false };
}
