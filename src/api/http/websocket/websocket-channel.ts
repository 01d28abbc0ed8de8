import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { type Duplex, PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { Channel } from '../channel.ts';
import { goneSignal, type Sink } from '../pump.ts';
import { takeUpgrade, wantsUpgrade } from '../upgrade.ts';
import { ClientFrameDecoder, FrameError, OPCODES, serverFrame } from './frame-decoder.ts';

/** RFC 6455 §1.3. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const NORMAL = 1000;

/** @throws ApiError 400 where this is no request for a web socket */
export function checkWebSocket(request: FastifyRequest): string {
  const { upgrade, 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  if (!wantsUpgrade(request) || upgrade?.toLowerCase() !== 'websocket' || typeof key !== 'string' || version !== '13') {
    throw new ApiError(400, 'this address is for web sockets (RFC 6455, version 13): attach by POST /containers/{id}/attach otherwise');
  }
  return key;
}

/** Accepts a client's web socket: its messages are input, what is written goes out in binary messages. */
export function openWebSocket(request: FastifyRequest, reply: FastifyReply, key: string): Channel {
  const accept = createHash('sha1').update(`${key}${KEY_SUFFIX}`).digest('base64');
  return channelOver(takeUpgrade(request, reply, { Upgrade: 'websocket', 'Sec-WebSocket-Accept': accept }));
}

function channelOver(socket: Duplex): Channel {
  const input = new PassThrough();
  const decoder = new ClientFrameDecoder();
  const close = (code: number): void => {
    const status = Buffer.alloc(2);
    status.writeUInt16BE(code);
    socket.end(serverFrame(OPCODES.close, status), () => socket.destroy());
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const { opcode, data } of decoder.push(chunk)) {
        if (opcode === OPCODES.close) return close(NORMAL);
        if (opcode === OPCODES.ping) socket.write(serverFrame(OPCODES.pong, data));
        // As fast as it is taken, and no faster.
        if (opcode <= OPCODES.binary && !input.write(data)) {
          socket.pause();
          input.once('drain', () => socket.resume());
        }
      }
    } catch (error) {
      close(error instanceof FrameError ? error.code : NORMAL);
    }
  });
  socket.on('close', () => input.end());
  return {
    input,
    output: new FramingSink(socket),
    gone: goneSignal(socket).signal,
    finish: () => close(NORMAL),
    cut: () => socket.destroy(),
  };
}

/** Each write is a message. */
class FramingSink extends EventEmitter implements Sink {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    super();
    this.#socket = socket;
    for (const event of ['drain', 'close', 'error'] as const) socket.on(event, () => this.emit(event));
    // Nobody else need hear of what `gone` tells.
    this.on('error', () => undefined);
  }

  write(chunk: Uint8Array): boolean {
    return this.#socket.write(serverFrame(OPCODES.binary, chunk));
  }
}
