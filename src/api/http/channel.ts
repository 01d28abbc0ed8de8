import type { Duplex, Readable, Writable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { goneSignal, type Sink } from './pump.ts';
import { startStream } from './stream-reply.ts';
import { takeOver, takesOver } from './take-over.ts';
import { takeUpgrade, wantsUpgrade } from './upgrade.ts';

/** A client's bytes both ways, once the headers of the answer are sent. */
export interface Channel {
  /** What the client sends, until it ends its side. */
  readonly input: Readable;
  readonly output: Sink;
  /** The client is gone, or the channel is closed. */
  readonly gone: AbortSignal;
  /** Sends what is left and ends. A client may keep its own side open: that is not waited for. */
  finish(): void;
  /** Breaks off, which clients notice. */
  cut(): void;
}

/**
 * Takes the answer over for bytes both ways: as 101 where the client asked to upgrade, as Docker's clients do; as a 200
 * with raw bytes behind it where it only sent a request; as a 200 whose request's body goes on meanwhile between nodes.
 */
export function openChannel(request: FastifyRequest, reply: FastifyReply, contentType: string): Channel {
  if (wantsUpgrade(request)) return raw(takeUpgrade(request, reply, { 'Content-Type': contentType, Upgrade: 'tcp' }));
  return takesOver(request)
    ? raw(takeOver(request, reply, { 'content-type': contentType }))
    : streamed(request, startStream(reply, 200, { 'content-type': contentType }));
}

/** Passes on what the client sends, and how it ends: in order or not. Never breaks the channel itself off. */
export function forwardInput({ input, gone }: Channel, to: Writable): void {
  to.on('error', () => undefined);
  gone.addEventListener('abort', () => to.destroy(), { once: true });
  if (gone.aborted) to.destroy();
  input.pipe(to);
}

function raw(socket: Duplex): Channel {
  return {
    input: socket,
    output: socket,
    gone: goneSignal(socket).signal,
    finish: () => socket.end(() => socket.destroy()),
    cut: () => socket.destroy(),
  };
}

function streamed(request: FastifyRequest, response: FastifyReply['raw']): Channel {
  request.raw.on('error', () => undefined);
  return {
    input: request.raw,
    output: response,
    gone: goneSignal(response).signal,
    finish: () => response.end(),
    cut: () => response.destroy(),
  };
}
