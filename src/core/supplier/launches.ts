/**
 * Launch: from a hold to a durable container (DESIGN §6, Holds).
 *
 *     hold → record stored → `launched recorded` → engine-create → `launched ready`
 *                   │                                    └ fails → record forgotten → `launch-refused`
 *                   └ fails → `launch-refused`
 *
 * The record comes first, so that a crash at any point leaves either nothing or a container that this
 * node knows. A launch may come twice, late, or after the container was removed: it is known by its
 * container id, for ten minutes after removal by a tombstone. `launch-refused` is only sent once
 * nothing is left here, because the buyer then launches the same container elsewhere.
 */
import { LIMITS, sameResources, shortId } from '../model/index.ts';
import type { Cancel, Container, ContainerId, CoreError, Launch, NodeId, Turn } from '../model/index.ts';
import { sha256Hex } from '../../lib/sha256.ts';
import type { Context } from './context.ts';
import { called, idOf } from './entry.ts';
import type { Entry } from './entry.ts';
import { containerKey, holdKey } from './ledger.ts';
import { SUPPLIER } from './tunables.ts';

export class Launches {
  readonly #context: Context;
  readonly #settle: (turn: Turn, entry: Entry) => void;

  /** @param settle called when a launch came to its end and the container may take commands. */
  constructor(context: Context, settle: (turn: Turn, entry: Entry) => void) {
    this.#context = context;
    this.#settle = settle;
  }

  launch(turn: Turn, from: NodeId, message: Launch): void {
    const { request, attempt } = message;
    const known = this.#context.entries.get(request.containerId);
    if (known !== undefined) return this.#duplicate(turn, from, message, known);
    const { ledger, holds } = this.#context;
    const error = this.#buried(turn, request.containerId) ?? this.#mismatch(from, message);
    if (error !== undefined) {
      if (holds.get(request.id) === undefined) holds.spend(request.id, attempt);
      return refuse(turn, from, message, error);
    }
    holds.delete(request.id);
    ledger.rename(holdKey(request.id), containerKey(request.containerId));
    turn.emit({ kind: 'hold-released', requestId: request.id, why: 'launched' });
    const entry: Entry = {
      container: {
        request,
        buyer: from,
        createdAtMs: turn.wallMs,
        readiness: 'preparing',
        desired: 'created',
        restartCount: 0,
        task: undefined,
        taskNumber: 0,
        holding: true,
        placement: message.placement,
      },
      activity: { kind: 'recording', attempt, abandoned: false },
      waiting: [],
      storeRetry: false,
      backoffMs: SUPPLIER.firstBackoffMs,
      startedMs: 0,
    };
    this.#context.add(entry);
    this.#context.record(turn, entry, {}, (turn, error) => {
      if (error === undefined) return this.#recorded(turn, entry, attempt);
      this.#context.drop(entry);
      refuse(turn, from, message, error);
      this.#settle(turn, entry);
    });
  }

  /** Makes a recorded container ready; also one that a crash left half made. */
  create(turn: Turn, entry: Entry, attempt: number): void {
    entry.activity = { kind: 'creating', attempt, abandoned: false };
    const { containerId, spec } = entry.container.request;
    this.#context.orders.perform(turn, { kind: 'engine-create', containerId, spec }, (turn, answer) => {
      if (isAbandoned(entry)) return this.#rollBack(turn, entry, attempt, abandonedError(entry), true);
      if (!answer.ok) return this.#rollBack(turn, entry, attempt, answer.error, false);
      entry.activity = { kind: 'idle' };
      this.#context.note(turn, entry, { readiness: 'ready' });
      this.#tell(turn, entry, attempt, 'ready');
      turn.emit({ kind: 'container-ready', containerId });
      this.#context.setTimer(turn, 'never-started', containerId, SUPPLIER.neverStartedMs);
      this.#settle(turn, entry);
    });
  }

  /** A buyer that gives up while we make its container ready wants none of it. */
  cancel(from: NodeId, message: Cancel): void {
    const id = this.#context.launched.get(message.requestId);
    const entry = id === undefined ? undefined : this.#context.entries.get(id);
    if (entry === undefined || entry.container.buyer !== from) return;
    const { activity } = entry;
    if ((activity.kind === 'recording' || activity.kind === 'creating') && activity.attempt <= message.attempt)
      entry.activity = { ...activity, abandoned: true };
  }

  retryForget(turn: Turn, id: ContainerId): void {
    const entry = this.#context.entries.get(id);
    if (entry?.activity.kind === 'rolling-back') this.#forget(turn, entry);
  }

  #recorded(turn: Turn, entry: Entry, attempt: number): void {
    const { request } = entry.container;
    if (isAbandoned(entry)) return this.#rollBack(turn, entry, attempt, abandonedError(entry), false);
    this.#tell(turn, entry, attempt, 'recorded');
    turn.emit({ kind: 'container-created', containerId: request.containerId, name: request.name, resources: request.resources });
    this.create(turn, entry, attempt);
  }

  #duplicate(turn: Turn, from: NodeId, message: Launch, entry: Entry): void {
    const { container, activity } = entry;
    if (container.request.id !== message.request.id || container.buyer !== from) {
      return refuse(turn, from, message, internal(`container ${message.request.containerId} exists here already, from another request`));
    }
    if (activity.kind === 'recording' || activity.kind === 'rolling-back') return;
    this.#tell(turn, entry, message.attempt, container.readiness === 'ready' ? 'ready' : 'recorded');
  }

  #buried(turn: Turn, id: ContainerId): CoreError | undefined {
    const grave = this.#context.graves.get(id);
    if (grave === undefined || turn.wallMs - grave.removedAtMs > SUPPLIER.tombstoneMs) return undefined;
    return grave.error ?? { code: 'wrong-state', message: `container ${id} was removed; run it again under a new id`, changed: false };
  }

  #mismatch(from: NodeId, { request, attempt }: Launch): CoreError | undefined {
    const { holds, entries, self, leaving } = this.#context;
    const hold = holds.get(request.id);
    const name = self().name;
    if (leaving) return { code: 'draining', message: `${name} is leaving`, changed: false };
    if (hold === undefined || hold.need.buyer !== from || hold.need.attempt !== attempt) {
      return { code: 'no-room', message: `${name} keeps no hold for attempt ${attempt} of this request; it has expired`, changed: false };
    }
    if (!sameResources(hold.need.resources, request.resources) || hold.need.specDigest !== sha256Hex(request.spec).slice(0, 16)) {
      return internal('the launch does not carry the spec that the hold was made for');
    }
    for (const { container } of entries.values()) {
      if (container.request.name === request.name) return taken(name, container.request);
    }
    return entries.size < LIMITS.containers ? undefined : internal(`${name} keeps ${LIMITS.containers} containers, the most it may`);
  }

  #rollBack(turn: Turn, entry: Entry, attempt: number, error: CoreError, remove: boolean): void {
    entry.activity = { kind: 'rolling-back', attempt, error: { ...error, changed: false }, retryMs: SUPPLIER.forgetRetryMs };
    if (!remove) return this.#forget(turn, entry);
    this.#context.orders.perform(turn, { kind: 'engine-remove', containerId: idOf(entry) }, (turn) => this.#forget(turn, entry));
  }

  #forget(turn: Turn, entry: Entry): void {
    const { activity } = entry;
    if (activity.kind !== 'rolling-back') return;
    const containerId = idOf(entry);
    const removedAtMs = turn.wallMs;
    this.#context.orders.perform(turn, { kind: 'forget-container', containerId, removedAtMs }, (turn, answer) => {
      if (!answer.ok) {
        entry.activity = { ...activity, retryMs: Math.min(SUPPLIER.lastBackoffMs, activity.retryMs * 2) };
        this.#context.setTimer(turn, 'forget-retry', containerId, activity.retryMs);
        return;
      }
      this.#context.drop(entry);
      this.#context.bury(turn, { containerId, removedAtMs, error: activity.error });
      const { id: requestId } = entry.container.request;
      turn.send(entry.container.buyer, {
        kind: 'launch-refused',
        requestId,
        containerId,
        attempt: activity.attempt,
        error: activity.error,
      });
      this.#settle(turn, entry);
    });
  }

  #tell(turn: Turn, entry: Entry, attempt: number, phase: 'recorded' | 'ready'): void {
    const { id: requestId, containerId } = entry.container.request;
    turn.send(entry.container.buyer, { kind: 'launched', requestId, containerId, attempt, phase });
  }
}

function refuse(turn: Turn, to: NodeId, { request, attempt }: Launch, error: CoreError): void {
  turn.send(to, { kind: 'launch-refused', requestId: request.id, containerId: request.containerId, attempt, error });
}

const isAbandoned = ({ activity }: Entry): boolean => (activity.kind === 'recording' || activity.kind === 'creating') && activity.abandoned;

const internal = (message: string): CoreError => ({ code: 'internal', message, changed: false });

/** The buyer asked who has the name before it ran, but somebody may not have answered, or was faster. */
const taken = (node: string, { name, containerId }: Container['request']): CoreError => ({
  code: 'name-taken',
  message: `${node} has a container ${name} (${shortId(containerId)}) already: remove that one, or take another name`,
  changed: false,
});

const abandonedError = (entry: Entry): CoreError => ({
  code: 'cancelled',
  message: `the buyer of ${called(entry)} gave up before it was ready`,
  changed: false,
});
