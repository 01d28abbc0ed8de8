import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NodeId } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { type Channel, forwardInput, openChannel } from '../http/channel.ts';
import { RAW_STREAM } from '../http/content-type.ts';
import { goneSignal, pump } from '../http/pump.ts';
import { askPeer } from './proxy.ts';

/**
 * Hands a client's request to upgrade on to the node that can serve it. HTTP/2 has no upgrade: to the peer this is a
 * request whose body goes on while it answers.
 * @param open answers the client, once the peer has answered
 */
export async function proxyChannel(
  context: ApiContext,
  node: NodeId,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
  open: (type: string) => Channel = (type) => openChannel(request, reply, type),
): Promise<void> {
  const leave = context.enter();
  const input = new PassThrough();
  try {
    const leaving = goneSignal(reply.raw);
    const response = await askPeer(context, node, path, request, leaving.signal, input);
    if (response.status !== 200) {
      await reply.code(response.status).type('application/json').send(response.body);
      return;
    }
    const channel = open(response.headers['content-type'] ?? RAW_STREAM);
    forwardInput(channel, input);
    // A peer that died in the middle must not look like a process that has ended.
    const isWhole = await pump(response.body, channel.output, channel.gone).then(
      () => true,
      () => false,
    );
    response.body.destroy();
    if (isWhole) channel.finish();
    else channel.cut();
  } finally {
    input.destroy();
    leave();
  }
}
