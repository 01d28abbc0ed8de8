/** A request and its answer, as they went over the wire. */
export interface Exchange {
  readonly method: string;
  /** With version and query. */
  readonly url: string;
  readonly requestHeaders: ReadonlyMap<string, string>;
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Its first bytes; after 101 those of the raw stream. */
  readonly body: Buffer;
  /** There was more than was kept. */
  readonly cutShort: boolean;
  /** `left`: the client wanted no more. `cut`: the daemon's side ended in the midst of it. */
  readonly end: 'whole' | 'left' | 'cut';
}

/** As much of an answer is kept to be looked at. */
export const KEPT_BYTES = 8 * 1024 * 1024;
