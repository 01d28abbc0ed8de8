import type { NodeId } from '../../core/model/index.ts';
import { type AgreementHostOptions, MEMBERS_BODY_BYTES, MEMBERS_PATH } from './port.ts';

export type Verb = 'prepare' | 'join' | 'report';

/** One question to another daemon, JSON both ways. @throws Error in words: unreachable, too slow, or its own refusal */
export async function ask(options: AgreementHostOptions, to: NodeId, verb: Verb, question: object, timeoutMs: number): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(question));
  const response = await options.request(to, { method: 'POST', path: MEMBERS_PATH + verb, body, timeoutMs });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the stream.
    if (size > MEMBERS_BODY_BYTES) throw new Error(`an answer of more than ${MEMBERS_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (response.status !== 200) throw new Error(text.slice(0, 300) || `status ${response.status}`);
  return JSON.parse(text);
}
