import { X509Certificate } from 'node:crypto';
import type { MemberRecord, NodeId } from '../core/model/index.ts';
import type { Store } from '../store/port.ts';
import { greet } from '../transport/join/greet.ts';
import { caDigest } from '../transport/trust/token.ts';
import { parseBootstrap } from './init-options.ts';

/** Each is a host's address; on a machine room's cold start most don't answer yet. */
const TIMEOUT_MS = 2_000;

/**
 * `caravela daemon --seeds IP,IP` of a node that is made, before it runs. It remembers where the others were; where all
 * hosts have other addresses since, nobody finds anybody. A member that answers at a seed is looked for there from
 * now on: one that it finds tells it of all others, and all others of it. Resolves to what is to be said of the rest.
 */
export async function seekMembers(store: Store, caPem: string, seeds: readonly string[]): Promise<readonly string[]> {
  const digest = caDigest(new X509Certificate(caPem));
  const answers = await Promise.all(seeds.map((seed) => whoIsAt(seed, digest)));
  const found = new Map<NodeId, Pick<MemberRecord['address'], 'ip' | 'controlPort'>>();
  const words: string[] = [];
  const members = store.members();
  for (const answer of answers) {
    if ('why' in answer) words.push(answer.why);
    else if (members.some(({ id }) => id === answer.node)) found.set(answer.node, answer.address);
    else words.push(`the node at ${answer.address.ip} came to the instance since this one ran last: name another, too`);
  }
  if (found.size > 0) {
    store.putMembers(members.map((member) => ({ ...member, address: { ...member.address, ...found.get(member.id) } })));
  }
  return words;
}

type Answer = { readonly node: NodeId; readonly address: { readonly ip: string; readonly controlPort: number } } | { readonly why: string };

async function whoIsAt(seed: string, digest: Buffer): Promise<Answer> {
  try {
    const { host, port } = parseBootstrap(seed);
    const { socket, node } = await greet(host, port, digest, TIMEOUT_MS);
    const ip = socket.remoteAddress?.replace(/^::ffff:/, '') ?? host;
    socket.destroy();
    return { node, address: { ip, controlPort: port } };
  } catch (error) {
    return { why: (error as Error).message };
  }
}
