/**
 * Gives the instance another gossip key, without a moment in which two nodes don't understand each other:
 *
 *     due → the new key is agreed, and opens → it seals → the old one is dropped
 *
 * Each step is agreed, and waits until every node that is alive has the one before, or for PHASE_MS. Who did not hear of
 * it by then is not understood any more, and does not understand: it finds that out by the first datagram, and asks its
 * sender over mutual TLS. Any agreement member takes the next step, so one that dies in the midst is not waited for; that
 * several do is harmless, as a step is taken only from what it was decided by.
 *
 * A node that was removed is shut out when the old key is dropped. While it still is an agreement member, it would be
 * sent the new key by its engine: so the leader takes it out first.
 */
import { put, unchanged } from '../../agreement/state/deciding.ts';
import type { StoreAccess } from '../../agreement/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { Sync } from '../../agreement/sync/sync.ts';
import type { NodeId } from '../../core/model/index.ts';
import { addGossipKey, type GossipKeys, onlyUsedGossipKey, useNewestGossipKey } from '../../transport/trust/gossip-keys.ts';
import type { Log } from '../log.ts';

export interface KeyRotationParts {
  readonly self: NodeId;
  readonly copy: Copy;
  readonly store: Pick<StoreAccess, 'transact'>;
  readonly sync: Pick<Sync, 'reachAll'>;
  readonly ring: { readonly keys: GossipKeys };
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly log: Log;
}

/** A step waits no longer for nodes that don't say that they have the one before. */
export const PHASE_MS = 60_000;

export class KeyRotation {
  readonly #parts: KeyRotationParts;
  /** What this node sees agreed, and since when. */
  #phase: { readonly name: string; readonly sinceMs: number } | undefined;

  constructor(parts: KeyRotationParts) {
    this.#parts = parts;
  }

  get isUnderWay(): boolean {
    const { copy, ring } = this.#parts;
    return copy.views.areGossipKeysDue || ring.keys.keys.length > 1;
  }

  /** On a member, now and then; soon where it is under way. */
  async round(): Promise<void> {
    const { self, copy, ring } = this.#parts;
    if (!this.isUnderWay || !copy.views.isIn(self)) return;
    const { keys } = ring;
    if (keys.keys.length > 1) {
      if (!(await this.#isSettled())) return;
      const isSealing = keys.use === keys.keys.at(-1)?.id;
      await this.#step(isSealing ? onlyUsedGossipKey(keys) : useNewestGossipKey(keys), 'on');
      return;
    }
    if (copy.views.members.some((id) => copy.views.nodes.get(id)?.state === 'removed')) return;
    await this.#step(addGossipKey(keys), 'begin');
  }

  /** Whether nobody has to be waited for any more. */
  async #isSettled(): Promise<boolean> {
    const { copy, sync, nowMs } = this.#parts;
    const name = `${copy.version.epoch} ${copy.entry(KEYS.gossipKeys)?.modRevision}`;
    if (this.#phase?.name !== name) this.#phase = { name, sinceMs: nowMs() };
    return (await sync.reachAll()) || nowMs() - this.#phase.sinceMs >= PHASE_MS;
  }

  async #step(keys: GossipKeys, step: 'begin' | 'on'): Promise<void> {
    const { copy, store, log } = this.#parts;
    const ring = unchanged(KEYS.gossipKeys, copy.entry(KEYS.gossipKeys));
    const due = unchanged(KEYS.gossipKeysDue, copy.entry(KEYS.gossipKeysDue));
    const write = put({ kind: 'gossip-keys', keys });
    const { committed } = await store.transact({
      when: step === 'begin' ? [ring, due] : [ring],
      then: step === 'begin' ? [write, { remove: KEYS.gossipKeysDue }] : [write],
      epoch: copy.version.epoch,
    });
    if (committed) log('info', 'the key of datagrams is being changed', { sealedWith: keys.use, opened: keys.keys.length });
  }
}
