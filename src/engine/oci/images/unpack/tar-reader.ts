/**
 * A tar as it arrives: bytes in, entries out, synchronous, in constant memory. Own code because the
 * packages for it decode pax values as text, which destroys binary attributes (file capabilities), or
 * buffer without bound. As Go's archive/tar (what made most layers) it ignores pax global headers.
 */
import { assertNever } from '../../../../lib/assert.ts';
import { applyPax, parsePaxRecords, type TarEntry } from './pax.ts';
import { BLOCK_BYTES, decodeName, parseTarHeader, TarError } from './tar-header.ts';

export interface TarSink {
  /** A regular file gets `data` until its size is reached, then `endOfFile`; other kinds get neither. */
  entry(entry: TarEntry): void;
  data(chunk: Buffer): void;
  endOfFile(): void;
}

/** Pax headers and long names: what one entry may carry beside its content. */
const MAX_META_BYTES = 2 ** 20;

type State =
  | { readonly at: 'header' }
  | { readonly at: 'file'; left: number; readonly padding: number }
  | { readonly at: 'meta'; readonly type: string; readonly chunks: Buffer[]; left: number; readonly padding: number }
  | { readonly at: 'padding'; left: number }
  | { readonly at: 'end' };

export class TarReader {
  readonly #sink: TarSink;
  #state: State = { at: 'header' };
  /** The start of a header whose rest hasn't come yet. */
  #partial = Buffer.alloc(0);
  #zeroBlocks = 0;
  #pax: ReadonlyMap<string, Buffer> = new Map();
  #longName: string | undefined;
  #longLink: string | undefined;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws TarError, and whatever the sink throws */
  write(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(this.#take(rest));
  }

  /** The input has ended. @throws TarError where it ended too early */
  end(): void {
    const { at } = this.#state;
    if (at === 'end' || (at === 'header' && this.#partial.length === 0 && !this.#hasMeta())) return;
    throw new TarError('the tar ends in the middle of an entry');
  }

  /** Consumes what it can use of `chunk`, at least one byte. Returns how many. */
  #take(chunk: Buffer): number {
    const state = this.#state;
    switch (state.at) {
      case 'header':
        return this.#takeHeader(chunk);
      case 'file':
      case 'meta': {
        const piece = chunk.subarray(0, state.left);
        if (state.at === 'file') this.#sink.data(piece);
        else state.chunks.push(Buffer.from(piece));
        state.left -= piece.length;
        if (state.left === 0) this.#endContent(state);
        return piece.length;
      }
      case 'padding': {
        const length = Math.min(state.left, chunk.length);
        state.left -= length;
        if (state.left === 0) this.#state = { at: 'header' };
        return length;
      }
      case 'end':
        return chunk.length;
      default:
        return assertNever(state);
    }
  }

  #takeHeader(chunk: Buffer): number {
    const missing = BLOCK_BYTES - this.#partial.length;
    if (chunk.length < missing) {
      this.#partial = Buffer.concat([this.#partial, chunk]);
      return chunk.length;
    }
    const block = this.#partial.length === 0 ? chunk.subarray(0, BLOCK_BYTES) : Buffer.concat([this.#partial, chunk.subarray(0, missing)]);
    this.#partial = Buffer.alloc(0);
    this.#header(block);
    return missing;
  }

  #header(block: Buffer): void {
    const header = parseTarHeader(block);
    if (header === undefined) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#state = { at: 'end' };
      return;
    }
    if (this.#zeroBlocks > 0) throw new TarError('an entry follows the end mark');
    if ('xgLK'.includes(header.type)) {
      if (header.sizeBytes > MAX_META_BYTES)
        throw new TarError(`an extended header has ${header.sizeBytes} bytes, more than ${MAX_META_BYTES}`);
      this.#content({ at: 'meta', type: header.type, chunks: [], left: header.sizeBytes, padding: paddingOf(header.sizeBytes) });
      return;
    }
    const named = { ...header, name: this.#longName ?? header.name, link: this.#longLink ?? header.link };
    const entry = applyPax(named, this.#pax);
    this.#forgetMeta();
    this.#entry(entry.type === '0' && entry.name.endsWith('/') ? { ...entry, type: '5' } : entry);
  }

  #entry(entry: TarEntry): void {
    this.#sink.entry(entry);
    if (entry.type === '0' || entry.type === '7') this.#content({ at: 'file', left: entry.sizeBytes, padding: paddingOf(entry.sizeBytes) });
  }

  #content(state: Extract<State, { at: 'file' | 'meta' }>): void {
    this.#state = state;
    if (state.left === 0) this.#endContent(state);
  }

  #endContent(state: Extract<State, { at: 'file' | 'meta' }>): void {
    this.#state = state.padding === 0 ? { at: 'header' } : { at: 'padding', left: state.padding };
    if (state.at === 'file') this.#sink.endOfFile();
    else this.#meta(state.type, Buffer.concat(state.chunks));
  }

  #meta(type: string, bytes: Buffer): void {
    if (type === 'x') this.#pax = parsePaxRecords(bytes);
    else if (type === 'L') this.#longName = textOf(bytes);
    else if (type === 'K') this.#longLink = textOf(bytes);
  }

  #hasMeta(): boolean {
    return this.#pax.size > 0 || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #forgetMeta(): void {
    this.#pax = new Map();
    this.#longName = undefined;
    this.#longLink = undefined;
  }
}

function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}
