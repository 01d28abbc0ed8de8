import { AgreementUnavailable } from '../../agreement/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { type NodeChanges, NodeGone } from '../../agreement/state/port.ts';
import { packUpdate } from '../../agreement/sync/update-codec.ts';
import { DEFAULT_NETWORK, type Member, NO_VERSION, type NodeId } from '../../core/model/index.ts';
import { formatCidr, parseCidr } from '../../lib/ipv4.ts';
import { type Applicant, JOIN_LIMITS } from '../../transport/join/messages.ts';
import type { JoinHost } from '../../transport/join/desk.ts';
import { JoinError } from '../../transport/join/join-error.ts';
import type { GossipKeys } from '../../transport/trust/gossip-keys.ts';
import type { Signer } from '../../transport/trust/signer.ts';
import type { TokenBook } from '../../transport/trust/token-book.ts';
import { routeInTheWay } from '../host-routes.ts';
import { nodeNameFrom } from '../node-name.ts';
import type { InstanceSettings } from '../settings.ts';
import type { CaKey } from './ca-key.ts';

export interface JoinHostParts {
  readonly self: NodeId;
  readonly instance: InstanceSettings;
  readonly caPem: string;
  readonly caKey: CaKey;
  readonly ring: { readonly keys: GossipKeys };
  readonly book: TokenBook;
  readonly nodes: NodeChanges;
  readonly copy: Copy;
  readonly signer: Signer;
  members(): readonly Member[];
  /** Nothing is agreed yet. */
  isFounding(): boolean;
  isRevoked(id: NodeId): boolean;
}

/** How this node takes joins: it agrees on name and number itself; whoever has the CA's key signs. */
export function createJoinHost(parts: JoinHostParts): JoinHost {
  const { instance, caKey, book, signer } = parts;
  return {
    authorities() {
      if (parts.isFounding()) throw new JoinError('busy', 'the instance is just being made: try again in a moment');
      return caKey.isHere ? 'here' : signers(parts);
    },
    isOpen: () => instance.open,
    isRevoked: (id) => parts.isRevoked(id),
    obstacle: (applicant) => obstacle(parts, applicant),
    redeem: (secret, id) => agreeing(() => book.redeem(secret, id)),
    assign: ({ nodeId, name }) => agreeing(() => parts.nodes.admitNode(nodeId, nodeNameFrom(name), Date.now())),
    async sign(requestPem: string, id: NodeId) {
      return (await signer.run({ kind: 'sign-node', authority: caKey.authority(), requestPem, nodeId: id })).certificatePem;
    },
    describe: async () => ({
      caPem: parts.caPem,
      instance: JSON.stringify(instance),
      gossipKeys: parts.ring.keys,
      members: parts.members().filter((member) => member.state === 'alive' || member.state === 'suspect'),
      agreed: await agreed(parts.copy),
    }),
  };
}

/** Nodes with the CA's key, those that are alive first. */
function signers(parts: JoinHostParts): readonly NodeId[] {
  const { copy, self } = parts;
  const alive = new Set(parts.members().flatMap((member) => (member.state === 'alive' ? [member.id] : [])));
  const known = new Set([...copy.views.caHolders, ...copy.views.members]);
  return [...known].filter((id) => id !== self).toSorted((a, b) => Number(alive.has(b)) - Number(alive.has(a)));
}

/** The default network is on every node, so a host where it can't be is none for this instance. */
function obstacle({ copy }: JoinHostParts, { routes }: Applicant): string | undefined {
  const network = [...copy.views.networks.values()].find((each) => each.name === DEFAULT_NETWORK);
  if (network === undefined) return undefined;
  const known = routes.flatMap(({ block, device }) => {
    const cidr = parseCidr(block);
    return cidr === undefined ? [] : [{ block: cidr, device }];
  });
  const why = routeInTheWay(network.subnet, known);
  if (why === undefined) return undefined;
  return `this host can't take part: ${why} the instance's default network ${formatCidr(network.subnet)}. Remove the route, or make an instance with another default network: "caravela create --default-subnet CIDR"`;
}

/** The joiner is told in a JoinError of its own what stands in the way. */
async function agreeing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NodeGone)
      throw new JoinError('revoked', `${error.message}: to join again it needs a new identity ("caravela leave --force" first)`);
    if (error instanceof AgreementUnavailable) throw new JoinError('no-agreement', `nobody can join now: ${error.message}`);
    throw error;
  }
}

async function agreed(copy: Copy): Promise<string> {
  const update = copy.difference(NO_VERSION);
  const text = update === undefined ? '' : (await packUpdate(update)).toString('base64');
  return text.length > JOIN_LIMITS.agreedBytes ? '' : text;
}
