/**
 * Small pieces go out together, big ones as they are, all in the order in which they came: one write for each header
 * of a tar costs more than the header's copy.
 */
export class GatheredOutput {
  readonly #writeAll: (bytes: Buffer) => void;
  readonly #gathered: Buffer;
  #length = 0;

  /** @param writeAll is done with the bytes when it returns */
  constructor(writeAll: (bytes: Buffer) => void, capacityBytes: number) {
    this.#writeAll = writeAll;
    this.#gathered = Buffer.allocUnsafe(capacityBytes);
  }

  write(bytes: Buffer): void {
    const isBig = bytes.length > this.#gathered.length / 2;
    // What was gathered comes before what is written past it.
    if (isBig || this.#length + bytes.length > this.#gathered.length) this.flush();
    if (isBig) this.#writeAll(bytes);
    else this.#length += bytes.copy(this.#gathered, this.#length);
  }

  flush(): void {
    if (this.#length > 0) this.#writeAll(this.#gathered.subarray(0, this.#length));
    this.#length = 0;
  }
}
