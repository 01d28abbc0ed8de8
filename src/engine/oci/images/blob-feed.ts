/**
 * How far the file of a blob may be read while the blob is still arriving. Its readers start over if
 * it breaks: what they have read may be another's than the digest promises.
 */
export class BlobFeed {
  readonly path: string;
  #state: FeedState = { kind: 'coming', bytes: 0 };
  readonly #listeners = new Set<(state: FeedState) => void>();

  constructor(path: string) {
    this.path = path;
  }

  advance(bytes: number): void {
    this.#become({ kind: 'coming', bytes });
  }

  /** All is there, and is what it should be. */
  complete(bytes: number): void {
    this.#become({ kind: 'complete', bytes });
  }

  break(): void {
    this.#become({ kind: 'broken' });
  }

  /** Tells at once and at each change. Returns how to end it. */
  follow(listener: (state: FeedState) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => void this.#listeners.delete(listener);
  }

  #become(state: FeedState): void {
    if (this.#state.kind !== 'coming') return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

export type FeedState =
  | { readonly kind: 'coming'; readonly bytes: number }
  | { readonly kind: 'complete'; readonly bytes: number }
  | { readonly kind: 'broken' };
