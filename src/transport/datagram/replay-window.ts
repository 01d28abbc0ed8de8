/**
 * Which counters of one boot were seen: a sliding window of WINDOW bits behind the highest (the
 * method of RFC 6479: a ring of words, moving on clears whole words). UDP reorders, so a late
 * packet inside the window is taken once; one older than the window is refused. 128 bytes.
 */
const WORD_BITS = 32;
const WORDS = 32;
/** The newest word is partly ahead of the highest counter, hence one word less than the ring. */
const WINDOW = (WORDS - 1) * WORD_BITS;

export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS);
  #highest = 0;

  /** Whether `counter` (a positive integer below 2^48) could still be new. */
  isFresh(counter: number): boolean {
    if (counter > this.#highest) return true;
    if (counter < 1 || this.#highest - counter >= WINDOW) return false;
    return (this.#words[wordOf(counter)]! & bitOf(counter)) === 0;
  }

  /** Records an authenticated counter; only after isFresh said yes. */
  mark(counter: number): void {
    if (counter > this.#highest) {
      const before = Math.floor(this.#highest / WORD_BITS);
      const after = Math.floor(counter / WORD_BITS);
      if (after - before >= WORDS) this.#words.fill(0);
      else for (let word = before + 1; word <= after; word++) this.#words[word % WORDS] = 0;
      this.#highest = counter;
    }
    const word = wordOf(counter);
    this.#words[word] = this.#words[word]! | bitOf(counter);
  }
}

const wordOf = (counter: number): number => Math.floor(counter / WORD_BITS) % WORDS;
const bitOf = (counter: number): number => 1 << (counter % WORD_BITS);
