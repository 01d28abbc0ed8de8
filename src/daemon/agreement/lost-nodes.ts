import { AgreementUnavailable, type StoreAccess } from '../../agreement/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { NodeChanges } from '../../agreement/state/port.ts';
import type { Member, NodeId } from '../../core/model/index.ts';
import type { Store } from '../../store/port.ts';
import type { Log } from '../log.ts';
import { DOCUMENTS } from '../settings.ts';
import { AbsenceBook, type KeptAbsences, type SeenNode } from './absence-book.ts';

export interface LostNodesParts {
  readonly self: NodeId;
  readonly copy: Copy;
  /** Asked for a majority. */
  readonly store: Pick<StoreAccess, 'get'>;
  readonly disk: Pick<Store, 'document' | 'putDocument'>;
  readonly state: Pick<NodeChanges, 'endLeases'>;
  readonly limitMs: number;
  readonly members: () => readonly Member[];
  readonly nameOf: (id: NodeId) => string;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly log: Log;
}

/** What was counted since the last writing is lost when the daemon ends without a word. */
const WRITE_EVERY_MS = 600_000;

/**
 * Ends the leases of nodes that were not seen for a week (`leases_end_after_days`). Each agreement member counts for
 * itself, and the first to come so far does it: the leases go, the node stays in the instance, with name and number, and
 * gets other addresses when it comes back. To have been wrong costs that, and no more.
 */
export class LostNodes {
  readonly #parts: LostNodesParts;
  #book: AbsenceBook;
  #wroteMs: number;
  /** On disk is what must not be read again. */
  #isOutdated = false;
  #hasKept: boolean;

  constructor(parts: LostNodesParts) {
    this.#parts = parts;
    const kept = (parts.disk.document(DOCUMENTS.absences) ?? {}) as KeptAbsences;
    this.#book = new AbsenceBook(parts.limitMs, kept);
    this.#hasKept = Object.keys(kept).length > 0;
    this.#wroteMs = parts.nowMs();
  }

  /** On a member, now and then. */
  async round(): Promise<void> {
    const { store, state, copy, nowMs, nameOf, log } = this.#parts;
    const hasMajority = await store.get(KEYS.networksGuard).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof AgreementUnavailable)) throw error;
        return false;
      },
    );
    this.#isOutdated = this.#book.look({ nowMs: nowMs(), hasMajority, nodes: this.#nodes() }) || this.#isOutdated;
    this.#keep();
    for (const id of this.#book.gone()) {
      if (copy.views.leasesOf(id).length === 0) continue;
      log('warn', 'a node was not seen for so long that its addresses are free now; it gets others when it comes back', {
        node: nameOf(id),
        days: this.#parts.limitMs / 86_400_000,
      });
      await state.endLeases(id, () => this.#book.gone().includes(id));
    }
  }

  sawAlive(id: NodeId): void {
    if (!this.#book.sawAlive(id)) return;
    this.#isOutdated = true;
    this.#keep();
  }

  /** Not a member (any more): what it counted is of no use to it. */
  forget(): void {
    this.#book = new AbsenceBook(this.#parts.limitMs, {});
    if (!this.#hasKept) return;
    this.#isOutdated = true;
    this.#keep();
  }

  /** All in the instance but this one. Who is suspected is here: it may only be slow. */
  #nodes(): readonly SeenNode[] {
    const { self, copy, members } = this.#parts;
    const known = new Map(members().map((member) => [member.id, member]));
    return [...copy.views.nodes.values()]
      .filter(({ id, state }) => state === 'in' && id !== self)
      .map(({ id }) => {
        const member = known.get(id);
        return { id, isHere: member?.state === 'alive' || member?.state === 'suspect', incarnation: member?.incarnation ?? 0 };
      });
  }

  #keep(): void {
    const { disk, nowMs, log } = this.#parts;
    const kept = this.#book.kept();
    const isAny = Object.keys(kept).length > 0;
    const isDue = (isAny || this.#hasKept) && nowMs() - this.#wroteMs >= WRITE_EVERY_MS;
    if (!isDue && !this.#isOutdated) return;
    try {
      disk.putDocument(DOCUMENTS.absences, kept);
      this.#wroteMs = nowMs();
      this.#hasKept = isAny;
      this.#isOutdated = false;
    } catch (error) {
      log('warn', 'how long nodes have been away could not be written down', { error: String(error) });
    }
  }
}
