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
 *
 * A co-location group has one hold, which its launches turn into containers one by one: the ledger moves
 * each part's amount, the rest stays held, so no room is free or sold twice in between.
 */
import type { Cancel, ContainerId, CoreError, Launch, Launched, NodeId, Renew, Turn } from '../model/index.ts';
import { unmet } from '../model/affinity.ts';
import type { Context } from './context.ts';
import { called, idOf } from './entry.ts';
import type { Entry } from './entry.ts';
import type { Hold } from './holds.ts';
import { containerKey, holdKey } from './ledger.ts';
import { holdOf, internal, misfit } from './misfit.ts';
import type { Reservations } from './reservations.ts';
import { SUPPLIER } from './tunables.ts';

export interface LaunchesOptions {
  readonly context: Context;
  readonly reservations: Reservations;
  /** A launch came to its end and the container may take commands. */
  readonly settle: (turn: Turn, entry: Entry) => void;
  /** Its buyer takes a container back that was never started. */
  readonly takeBack: (turn: Turn, entry: Entry, attempt: number) => void;
}

export class Launches {
  readonly #context: Context;
  readonly #reservations: Reservations;
  readonly #settle: (turn: Turn, entry: Entry) => void;
  readonly #takeBack: (turn: Turn, entry: Entry, attempt: number) => void;

  constructor({ context, reservations, settle, takeBack }: LaunchesOptions) {
    this.#context = context;
    this.#reservations = reservations;
    this.#settle = settle;
    this.#takeBack = takeBack;
  }

  launch(turn: Turn, from: NodeId, message: Launch): void {
    const { request, attempt } = message;
    const known = this.#context.entries.get(request.containerId);
    if (known !== undefined) return this.#duplicate(turn, from, message, known);
    const { ledger, holds } = this.#context;
    const hold = holds.get(holdOf(message));
    const error = this.#buried(turn, request.containerId) ?? misfit(this.#context, from, message);
    if (hold === undefined) holds.spend(holdOf(message), attempt);
    if (error !== undefined || hold === undefined) return refuse(turn, from, message, error ?? internal('there is no hold'));
    const away = this.#away(request, hold);
    if (away !== undefined) {
      this.#reservations.giveUp(turn, hold);
      return refuse(turn, from, message, away);
    }
    ledger.move(holdKey(hold.need.requestId), containerKey(request.containerId), request.resources);
    this.#reservations.launched(turn, hold, request.id, message.group?.parts.length ?? 1);
    const entry: Entry = {
      container: {
        request,
        name: request.name,
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
      unstarted: 0,
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
      this.#context.awaitStart(turn, entry);
      this.#settle(turn, entry);
    });
  }

  /**
   * A buyer that gives up while we make its container ready wants none of it. One that takes it back
   * wants none of it later either, unless a user has started it by then.
   */
  cancel(turn: Turn, from: NodeId, { requestId, attempt, takeBack }: Cancel): void {
    const id = this.#context.launched.get(requestId);
    const entry = id === undefined ? undefined : this.#context.entries.get(id);
    if (entry === undefined || entry.container.buyer !== from) return;
    const { activity, container } = entry;
    if (activity.kind === 'recording' || activity.kind === 'creating') {
      if (activity.attempt <= attempt || takeBack) entry.activity = { ...activity, abandoned: true };
    } else if (takeBack && container.task !== undefined) {
      this.#tell(turn, entry, attempt, 'started');
    } else if (takeBack && (activity.kind === 'idle' || activity.kind === 'removing')) {
      this.#takeBack(turn, entry, attempt);
    }
  }

  /** It is ready, and its buyer waits for the rest of its stack. */
  renew(turn: Turn, from: NodeId, { requestId }: Renew): void {
    const id = this.#context.launched.get(requestId);
    const entry = id === undefined ? undefined : this.#context.entries.get(id);
    if (entry === undefined || entry.container.buyer !== from || entry.activity.kind !== 'idle') return;
    if (entry.container.task === undefined && entry.container.holding) this.#context.awaitStart(turn, entry);
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
    if (activity.kind === 'recording' || activity.kind === 'rolling-back' || activity.kind === 'removing') return;
    this.#tell(turn, entry, message.attempt, container.readiness === 'ready' ? 'ready' : 'recorded');
  }

  #buried(turn: Turn, id: ContainerId): CoreError | undefined {
    const grave = this.#context.graves.get(id);
    if (grave === undefined || turn.wallMs - grave.removedAtMs > SUPPLIER.tombstoneMs) return undefined;
    return grave.error ?? { code: 'wrong-state', message: `container ${id} was removed; run it again under a new id`, changed: false };
  }

  /** What came here between its hold and its launch may be what it must not be with, or have its port. */
  #away({ affinities, hostPorts, vnis, containerId }: Launch['request'], { need: { requestId } }: Hold): CoreError | undefined {
    const hard = affinities.filter(({ soft }) => !soft);
    const context = this.#context;
    const closed = context.closed({ vnis });
    if (closed !== undefined)
      return { code: 'no-room', message: `${context.self().name} can't be on its network: ${closed.detail}`, changed: false };
    const taken = context.portTaken({ hostPorts }, requestId, [containerId]);
    if (taken !== undefined) return { code: 'no-room', message: `port ${taken.detail} on ${context.self().name}`, changed: false };
    const away = unmet(hard, context.neighbours());
    return away === undefined ? undefined : { code: 'no-room', message: `${this.#context.self().name} ${away.detail}`, changed: false };
  }

  #rollBack(turn: Turn, entry: Entry, attempt: number, error: CoreError, remove: boolean): void {
    entry.activity = { kind: 'rolling-back', attempt, error: { ...error, changed: false }, retryMs: SUPPLIER.forgetRetryMs };
    if (!remove) return this.#forget(turn, entry);
    this.#context.orders.perform(turn, { kind: 'engine-remove', containerId: idOf(entry), volumes: true }, (turn) =>
      this.#forget(turn, entry),
    );
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

  #tell(turn: Turn, entry: Entry, attempt: number, phase: Launched['phase']): void {
    const { id: requestId, containerId } = entry.container.request;
    turn.send(entry.container.buyer, { kind: 'launched', requestId, containerId, attempt, phase });
  }
}

function refuse(turn: Turn, to: NodeId, { request, attempt }: Launch, error: CoreError): void {
  turn.send(to, { kind: 'launch-refused', requestId: request.id, containerId: request.containerId, attempt, error });
}

const isAbandoned = ({ activity }: Entry): boolean => (activity.kind === 'recording' || activity.kind === 'creating') && activity.abandoned;

const abandonedError = (entry: Entry): CoreError => ({
  code: 'cancelled',
  message: `the buyer of ${called(entry)} gave up before it was ready`,
  changed: false,
});
