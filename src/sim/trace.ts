/**
 * Everything that happened, folded into a hash: two runs of one seed must agree on it. Each line
 * also goes to `print` where there is one.
 */
export class Trace {
  #low = 0x811c9dc5;
  #high = 0x1b873593;
  readonly #print: ((line: string) => void) | undefined;

  constructor(print: ((line: string) => void) | undefined) {
    this.#print = print;
  }

  /** @param node index of the node it is about; -1: the world */
  note(atMs: number, node: number, what: string, bytes?: Uint8Array): void {
    const line = `${atMs.toFixed(3).padStart(11)} ${node < 0 ? '  *' : `n${String(node).padEnd(2)}`} ${what}`;
    this.#fold(line);
    if (bytes !== undefined) for (const byte of bytes) this.#mix(byte);
    this.#print?.(line);
  }

  /** 16 hex digits. */
  hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #fold(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }

  /** Two FNV-1a streams, the second fed with the first's state. */
  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = Math.imul(this.#high ^ (this.#low >>> 15), 0x01000193);
  }
}
