import type { FastifyReply } from 'fastify';

/** Takes the answer over from the framework and sends status and headers at once, before there is a first byte. */
export function startStream(reply: FastifyReply, status: number, headers: Readonly<Record<string, string>>): FastifyReply['raw'] {
  reply.hijack();
  const raw = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(status, headers);
  raw.flushHeaders();
  return raw;
}
