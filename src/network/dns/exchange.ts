import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { HEADER_BYTES, questionBytes } from './question.ts';
import type { Question } from './question.ts';

/** A question's message under an id that nobody else can guess. */
export interface Query {
  readonly question: Question;
  readonly id: number;
  readonly server: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * One question to one server over UDP, from a port of its own (RFC 5452 §9.2), as it was asked, EDNS and all.
 * Undefined: no answer to this question came in time, or the server's host says that nobody listens.
 */
export function askOverUdp({ question, id, server, port, timeoutMs }: Query): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
    let isOver = false;
    const end = (answer: Buffer | undefined): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), timeoutMs);
    socket.on('error', () => end(undefined));
    socket.on('message', (bytes) => {
      if (isAnswerTo(question, id, bytes)) end(bytes);
    });
    // Connected, the kernel lets nobody else's datagrams through, and tells of a port that is closed.
    socket.on('connect', () => socket.send(withId(question.bytes, id), (error) => (error === null ? undefined : end(undefined))));
    socket.connect(port, server);
  });
}

/** The same over TCP (RFC 7766), with the length before it. */
export function askOverTcp({ question, id, server, port, timeoutMs }: Query): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port });
    let got: Buffer = Buffer.alloc(0);
    const end = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), timeoutMs);
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length < 2) return;
      const length = got.readUInt16BE(0);
      if (got.length < 2 + length) return;
      const bytes = got.subarray(2, 2 + length);
      end(isAnswerTo(question, id, bytes) ? bytes : undefined);
    });
    socket.write(framed(withId(question.bytes, id)));
  });
}

export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** An answer, under our id, to our question, which a server may repeat in other letters; of an error it may leave it out. */
function isAnswerTo(question: Question, id: number, bytes: Buffer): boolean {
  if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== id || ((bytes[2] as number) & 0x80) === 0) return false;
  const count = bytes.readUInt16BE(4);
  if (count === 0) return ((bytes[3] as number) & 0xf) !== 0;
  const asked = questionBytes(question);
  return count === 1 && sameLetters(asked, bytes.subarray(HEADER_BYTES, HEADER_BYTES + asked.length));
}

const sameLetters = (a: Buffer, b: Buffer): boolean => a.toString('latin1').toLowerCase() === b.toString('latin1').toLowerCase();
