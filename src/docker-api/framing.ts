/**
 * Docker's multiplexed streams (attach and logs of a container without a terminal): each frame is a
 * header of 8 bytes, [stream, 0, 0, 0, length big-endian], then `length` bytes of what was written
 * (docs.docker.com/engine/api/v1.41, Attach to a container, Stream format).
 */
export type StreamName = 'stdin' | 'stdout' | 'stderr';

export interface Frame {
  readonly stream: StreamName;
  readonly data: Buffer;
}

const FRAME_HEADER_BYTES = 8;
/** Docker's daemon writes at most 32 KiB a frame; more than this is not a frame but junk. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Names of the first header byte; 3 is Docker's `systemerr`, which clients show on stderr. */
const STREAMS: readonly StreamName[] = ['stdin', 'stdout', 'stderr', 'stderr'];

/** One frame. Data longer than MAX_FRAME_BYTES is a programmer's error. */
export function encodeFrame(stream: StreamName, data: Uint8Array): Buffer {
  if (data.length > MAX_FRAME_BYTES) throw new RangeError(`a frame holds at most ${MAX_FRAME_BYTES} bytes, got ${data.length}`);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + data.length);
  frame.writeUInt32BE(0, 0);
  frame[0] = STREAMS.indexOf(stream);
  frame.writeUInt32BE(data.length, 4);
  frame.set(data, FRAME_HEADER_BYTES);
  return frame;
}

/** The bytes are not Docker's framing: unknown stream, padding that isn't zero, or an absurd length. */
export class FramingError extends Error {
  override name = 'FramingError';
}

/** Turns chunks, cut anywhere, back into pieces of frames. Data is handed on as it comes: a long frame is not gathered first. */
export class FrameDecoder {
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  #stream: StreamName = 'stdout';
  #left = 0;

  /** @throws FramingError; the decoder is of no use after that. */
  push(chunk: Uint8Array): Frame[] {
    const input = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const frames: Frame[] = [];
    let at = 0;
    while (at < input.length) {
      if (this.#left > 0) {
        const data = input.subarray(at, at + this.#left);
        frames.push({ stream: this.#stream, data });
        this.#left -= data.length;
        at += data.length;
        continue;
      }
      const copied = input.copy(this.#header, this.#headerFilled, at);
      this.#headerFilled += copied;
      at += copied;
      if (this.#headerFilled === FRAME_HEADER_BYTES) this.#readHeader();
    }
    return frames;
  }

  /** Whether the stream ended between two frames, as a whole one does. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#headerFilled === 0;
  }

  #readHeader(): void {
    this.#headerFilled = 0;
    const kind = this.#header.readUInt32BE(0);
    const stream = kind % 0x1_00_00_00 === 0 ? STREAMS[kind / 0x1_00_00_00] : undefined;
    const length = this.#header.readUInt32BE(4);
    if (stream === undefined || length > MAX_FRAME_BYTES) {
      throw new FramingError(`not a frame of Docker's stream format: header ${this.#header.toString('hex')}`);
    }
    this.#stream = stream;
    this.#left = length;
  }
}
