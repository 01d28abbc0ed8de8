import type { Member, NodeId } from '../core/model/index.ts';
import type { JoinHost } from '../transport/join/desk.ts';
import type { GossipKeys } from '../transport/trust/gossip-keys.ts';
import type { Signer } from '../transport/trust/signer.ts';
import type { TokenBook } from '../transport/trust/token-book.ts';
import type { Credentials } from './node-files.ts';
import { nodeNameFrom, type Registrar } from './registrar.ts';
import type { InstanceSettings } from './settings.ts';

export interface JoinHostParts {
  readonly instance: InstanceSettings;
  readonly credentials: Credentials;
  readonly gossipKeys: GossipKeys;
  readonly book: TokenBook;
  readonly registrar: Registrar;
  readonly signer: Signer;
  members(): readonly Member[];
}

/** How this node takes joins: the creator answers them, every other node passes them on to it. */
export function createJoinHost(parts: JoinHostParts): JoinHost {
  const { instance, credentials, registrar, book, signer } = parts;
  return {
    authorities: () => (credentials.caKeyPem === undefined ? [instance.creator] : 'here'),
    isOpen: () => instance.open,
    // Revocation comes with the agreed node list.
    isRevoked: () => false,
    redeem: (secret, id) => book.redeem(secret, id),
    assign: async (applicant) => registrar.assign(applicant.nodeId, nodeNameFrom(applicant.name)),
    async sign(requestPem: string, id: NodeId) {
      const { caPem, caKeyPem } = credentials;
      if (caKeyPem === undefined) throw new Error('this node does not hold the key that signs certificates');
      const authority = { certificatePem: caPem, privateKeyPem: caKeyPem };
      return (await signer.run({ kind: 'sign-node', authority, requestPem, nodeId: id })).certificatePem;
    },
    describe: async () => ({
      caPem: credentials.caPem,
      instance: JSON.stringify(instance),
      gossipKeys: parts.gossipKeys,
      members: parts.members().filter((member) => member.state === 'alive' || member.state === 'suspect'),
      creator: instance.creator,
    }),
  };
}
