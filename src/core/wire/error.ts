/** Why bytes are not a message, or a message can't be made bytes. */
export type WireErrorCode =
  | 'too-long' // more bytes or entries than the bound allows
  | 'truncated' // the bytes end inside a value
  | 'trailing' // bytes are left after the value
  | 'version' // a wire version we don't speak
  | 'kind' // a message kind we don't know
  | 'malformed' // a bad varint, framing, UTF-8, a field given twice
  | 'missing' // a required field is absent
  | 'out-of-range'; // a value its field may not have

/** Thrown by `decode` on anything a peer may send, and by `encode` on a message beyond its bounds. */
export class WireError extends Error {
  override name = 'WireError';
  readonly code: WireErrorCode;
  /** The field it is about, outermost first: `find.need.resources`. */
  readonly path: string;
  readonly #what: string;

  constructor(code: WireErrorCode, what: string, path = '') {
    super(path === '' ? what : `${path}: ${what}`);
    this.code = code;
    this.path = path;
    this.#what = what;
  }

  /** The same error, seen from the record that has the field. */
  within(field: string): WireError {
    return new WireError(this.code, this.#what, this.path === '' ? field : `${field}.${this.path}`);
  }
}
