/** RFC 6455 §5.2: what a frame is. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface ClientFrame {
  readonly opcode: number;
  readonly data: Buffer;
}

/** A client broke the protocol: the connection is to be closed with this code (RFC 6455 §7.4.1). */
export class FrameError extends Error {
  override name = 'FrameError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What clients send by hand or by pipe is far below; more is held against them. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;

/** Turns chunks, cut anywhere, into a client's frames. Messages in several frames are not joined: they are one stream of bytes. */
export class ClientFrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws FrameError; the decoder is of no use after that. */
  push(chunk: Uint8Array): ClientFrame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: ClientFrame[] = [];
    for (let frame = this.#take(); frame !== undefined; frame = this.#take()) frames.push(frame);
    return frames;
  }

  #take(): ClientFrame | undefined {
    const input = this.#rest;
    if (input.length < 2) return undefined;
    const [first = 0, second = 0] = input;
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0) throw new FrameError(PROTOCOL_ERROR, 'a frame has extension bits, and none was agreed on');
    if ((second & 0x80) === 0) throw new FrameError(PROTOCOL_ERROR, 'a client’s frames are masked');
    const short = second & 0x7f;
    if (opcode >= 8 && (short > 125 || (first & 0x80) === 0))
      throw new FrameError(PROTOCOL_ERROR, 'a control frame is one frame of 125 bytes');
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const headerBytes = 2 + lengthBytes + 4;
    if (input.length < headerBytes) return undefined;
    const length = lengthBytes === 8 ? Number(input.readBigUInt64BE(2)) : lengthBytes === 2 ? input.readUInt16BE(2) : short;
    if (length > MAX_PAYLOAD_BYTES) throw new FrameError(TOO_BIG, `a frame may have ${MAX_PAYLOAD_BYTES} bytes`);
    if (input.length < headerBytes + length) return undefined;
    const mask = input.subarray(headerBytes - 4, headerBytes);
    const data = Buffer.from(input.subarray(headerBytes, headerBytes + length));
    for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) ^ (mask[i % 4] ?? 0);
    this.#rest = input.subarray(headerBytes + length);
    return { opcode, data };
  }
}

/** One whole frame of a server, which has no mask. */
export function serverFrame(opcode: number, data: Uint8Array): Buffer {
  const { length } = data;
  const header = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  header[0] = 0x80 | opcode;
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, data]);
}
