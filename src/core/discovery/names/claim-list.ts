import type { RequestId } from '../../model/index.ts';

interface Listed {
  readonly requestId: RequestId;
  readonly name: string;
}

/** Claims in the order in which they came, found by request and by name without looking at the others: there may be thousands. */
export class ClaimList<T extends Listed> {
  readonly #byId = new Map<RequestId, T>();
  readonly #byName = new Map<string, Set<T>>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: RequestId): T | undefined {
    return this.#byId.get(id);
  }

  named(name: string): readonly T[] {
    return [...(this.#byName.get(name) ?? [])];
  }

  all(): readonly T[] {
    return [...this.#byId.values()];
  }

  /** The one that came first. */
  oldest(): T | undefined {
    const [first] = this.#byId.values();
    return first;
  }

  /** In place of any of the same request. */
  add(claim: T): void {
    this.delete(this.#byId.get(claim.requestId));
    this.#byId.set(claim.requestId, claim);
    const namesakes = this.#byName.get(claim.name);
    if (namesakes === undefined) this.#byName.set(claim.name, new Set([claim]));
    else namesakes.add(claim);
  }

  delete(claim: T | undefined): void {
    if (claim === undefined || this.#byId.get(claim.requestId) !== claim) return;
    this.#byId.delete(claim.requestId);
    const namesakes = this.#byName.get(claim.name);
    namesakes?.delete(claim);
    if (namesakes?.size === 0) this.#byName.delete(claim.name);
  }
}
