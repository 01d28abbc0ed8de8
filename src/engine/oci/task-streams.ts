import type { Socket } from 'node:net';
import { connectSeqpacket } from '../../linux/seqpacket.ts';
import { hasCode } from '../../linux/system-error.ts';
import { inputEndsWithFirst, type InputRules } from '../input-rules.ts';
import { type FanOptions, OutputFan } from '../output-fan.ts';
import type { AttachedStreams, AttachOptions, LogStream, OutputPiece } from '../port.ts';

/** A longer packet conmon cuts off, and of several writes at once Node would make one packet. */
const PACKET_BYTES = 32 * 1024;
/** The first byte of conmon's packets. */
const STREAMS: Readonly<Record<number, LogStream>> = { 2: 'stdout', 3: 'stderr' };

/**
 * The standard streams of one task, by conmon's attach socket, for all who attach.
 *
 * Two connections, whoever reads and writes: where a container ends with input unread, the kernel resets the connection
 * that the input came by, and output that still lay in it would be lost. conmon waits for whom it writes to, and the
 * container for conmon: both connections are read as long as they are open, and what comes by the second is dropped.
 */
export class TaskStreams {
  readonly #rules: InputRules;
  readonly #fan: OutputFan;
  readonly #ready = Promise.withResolvers<void>();
  /** Once there is a conmon. */
  #path: string | undefined;
  #output: Socket | undefined;
  #input: Socket | undefined;
  #inputEnds = false;
  #isOver = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(rules: InputRules, fan: FanOptions) {
    this.#rules = rules;
    this.#fan = new OutputFan(fan, () => this.#output?.resume());
  }

  /** Whether anybody would miss what comes. */
  get isWanted(): boolean {
    return this.#fan.size > 0;
  }

  /** Nothing comes any more, as the task has ended or nobody looked. */
  get isOver(): boolean {
    return this.#isOver;
  }

  join({ stdin, signal }: AttachOptions): AttachedStreams {
    const mayWrite = stdin && this.#rules.openStdin;
    const endInput = (): void => {
      if (mayWrite && inputEndsWithFirst(this.#rules)) this.#endInput();
    };
    const output = this.#fan.join(signal, () => {
      endInput();
      // Where conmon takes the end of a connection for the end of the input, this one must outlast its readers.
      if (!this.isWanted && this.#path !== undefined && !inputEndsWithFirst(this.#rules)) this.close();
    });
    return { output, write: async (data) => (mayWrite ? this.#write(data) : undefined), endInput };
  }

  /** To the attach socket of a conmon that is there. Called again: nothing. One that is gone already has nothing to tell. */
  connect(path: string): void {
    if (this.#path !== undefined || this.#isOver) return;
    this.#path = path;
    this.#output = this.#open();
    this.#output?.on('data', (packet: Buffer) => {
      const piece = parsePacket(packet);
      if (piece !== undefined && !this.#fan.push(piece)) this.#output?.pause();
    });
    this.#output?.on('close', () => this.close());
    if (this.#output === undefined) this.close();
    this.#ready.resolve();
  }

  /** The container is to end: no reader may hold it up. */
  hurry(): void {
    this.#fan.hurry();
  }

  /** Readers still get what came. */
  close(): void {
    this.#isOver = true;
    this.#ready.resolve();
    this.#fan.end();
    this.#output?.destroy();
    this.#input?.destroy();
  }

  #endInput(): void {
    if (this.#inputEnds) return;
    this.#inputEnds = true;
    this.#writing = this.#after(this.#writing, async () => void this.#inputSocket()?.end());
    this.#writing.catch(() => undefined);
  }

  #write(data: Uint8Array): Promise<void> {
    this.#writing = this.#after(this.#writing, async () => {
      for (let at = 0; at < data.length; at += PACKET_BYTES) {
        const socket = this.#inputSocket();
        if (socket?.writable !== true) return;
        // What fails closes the socket: then nobody reads input any more.
        await new Promise<void>((resolve) => {
          socket.write(data.subarray(at, at + PACKET_BYTES), () => resolve());
        });
      }
    });
    return this.#writing;
  }

  /** One after another, and not before there is a conmon. */
  async #after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    // Its failure was told to whom it concerned.
    await before.catch(() => undefined);
    await this.#ready.promise;
    await work();
  }

  /** Opened when there is something to write. */
  #inputSocket(): Socket | undefined {
    if (this.#input === undefined && !this.#isOver) this.#input = this.#open()?.resume();
    return this.#input;
  }

  #open(): Socket | undefined {
    try {
      const socket = connectSeqpacket(this.#path ?? '');
      socket.on('error', () => undefined);
      socket.on('end', () => socket.destroy());
      return socket;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined;
      throw error;
    }
  }
}

/** undefined for what is none of conmon's. Shares memory with the packet. */
export function parsePacket(packet: Buffer): OutputPiece | undefined {
  const stream = STREAMS[packet[0] ?? 0];
  return stream === undefined || packet.length < 2 ? undefined : { stream, data: packet.subarray(1) };
}
