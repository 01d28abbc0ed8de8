/** The head of a message: `GET /_ping HTTP/1.1` or `HTTP/1.1 200 OK`, and its headers by lower-case name. */
export interface Head {
  readonly first: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** What a body's end is told by. `close`: by the connection's. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

export interface MessageHandler {
  /** Says how the body's end is told where that depends on more than the head; `raw`: no HTTP follows on this connection. */
  head(head: Head): BodyKind | 'raw';
  body(piece: Buffer): void;
  end(): void;
}

/** Longer heads are none of ours. */
const MAX_HEAD_BYTES = 64 * 1024;

/** Reads one direction of an HTTP/1.1 connection as it comes, byte by byte if need be. @throws Error at what is not HTTP/1.1 */
export class MessageReader {
  readonly #handler: MessageHandler;
  #pending: Buffer = Buffer.alloc(0);
  #state: 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'close' | 'raw' = 'head';
  #left = 0;

  constructor(handler: MessageHandler) {
    this.#handler = handler;
  }

  /** Nothing of a message is outstanding. */
  get idle(): boolean {
    return this.#state === 'raw' || (this.#state === 'head' && this.#pending.length === 0);
  }

  get isRaw(): boolean {
    return this.#state === 'raw';
  }

  /** No HTTP follows what was read so far. */
  goRaw(): void {
    this.#state = 'raw';
  }

  push(data: Buffer): void {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    while (this.#step());
  }

  /** The connection's end. @throws Error where a message is cut */
  close(): void {
    if (this.#state === 'close') {
      this.#state = 'head';
      this.#handler.end();
    }
    if (!this.idle) throw new Error('the connection ended within a message');
  }

  /** Whether there may be more to do with what is there. */
  #step(): boolean {
    if (this.#pending.length === 0) return false;
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'length':
      case 'chunk':
        return this.#readCounted();
      case 'chunk-size':
        return this.#readSize();
      case 'chunk-end':
      case 'trailer':
        return this.#readLineEnd();
      default:
        this.#handler.body(this.#take(this.#pending.length));
        return false;
    }
  }

  #readHead(): boolean {
    const at = this.#pending.indexOf('\r\n\r\n');
    if (at === -1) {
      if (this.#pending.length > MAX_HEAD_BYTES) throw new Error('a message has no end of its head');
      return false;
    }
    const [first = '', ...lines] = this.#take(at + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const kind = this.#handler.head({ first, headers });
    if (kind === 'length') {
      this.#left = Number(headers.get('content-length'));
      if (this.#left > 0) this.#state = 'length';
      else this.#handler.end();
    } else if (kind === 'none') this.#handler.end();
    else this.#state = kind === 'chunked' ? 'chunk-size' : kind;
    return true;
  }

  #readCounted(): boolean {
    const piece = this.#take(Math.min(this.#left, this.#pending.length));
    this.#left -= piece.length;
    this.#handler.body(piece);
    if (this.#left > 0) return false;
    if (this.#state === 'chunk') this.#state = 'chunk-end';
    else this.#finish();
    return true;
  }

  #readSize(): boolean {
    const line = this.#takeLine();
    if (line === undefined) return false;
    const size = /^[0-9a-f]+/i.exec(line)?.[0];
    if (size === undefined) throw new Error(`a chunk's size is ${JSON.stringify(line)}`);
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    return true;
  }

  #readLineEnd(): boolean {
    const line = this.#takeLine();
    if (line === undefined) return false;
    if (this.#state === 'chunk-end') this.#state = 'chunk-size';
    else if (line === '') this.#finish();
    return true;
  }

  #finish(): void {
    this.#state = 'head';
    this.#handler.end();
  }

  #takeLine(): string | undefined {
    const at = this.#pending.indexOf('\r\n');
    return at === -1 ? undefined : this.#take(at + 2).toString('latin1', 0, at);
  }

  #take(bytes: number): Buffer {
    const taken = this.#pending.subarray(0, bytes);
    this.#pending = this.#pending.subarray(bytes);
    return taken;
  }
}

/** How the end of a message's body is told, by its headers alone; `otherwise` where they don't. */
export function bodyKindOf(headers: Head['headers'], otherwise: 'none' | 'close'): BodyKind {
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return 'chunked';
  return headers.has('content-length') ? 'length' : otherwise;
}
