import type { AgreementHostOptions, StoreChange } from '../../agreement/members/port.ts';
import type { ReplicatedStore } from '../../agreement/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { createIdentity } from '../../transport/trust/identity.ts';
import { DEFAULT_AGREEMENT_PORT } from '../init-options.ts';
import type { CaKey } from './ca-key.ts';
import type { Neighbours } from './neighbours.ts';
import type { AgreementOptions } from './port.ts';

export interface HostParts {
  readonly copy: Copy;
  readonly caKey: CaKey;
  readonly neighbours: Neighbours;
  onStore(store: ReplicatedStore | undefined, why: StoreChange): void;
}

/** What the agreement engine is given of this node. */
export function hostOptions(options: AgreementOptions, parts: HostParts): AgreementHostOptions {
  const { copy, caKey, neighbours } = parts;
  const { paths, settings, instance, credentials, signer, log } = options;
  return {
    nodeId: settings.nodeId,
    instanceId: instance.instanceId,
    dir: paths.agreement,
    runDir: paths.agreementRun,
    // Nodes made by an earlier release have none.
    peerPort: settings.agreementPort ?? DEFAULT_AGREEMENT_PORT,
    trust: {
      caPem: credentials.caPem,
      async createRequest() {
        const { privateKeyPem } = createIdentity();
        return { privateKeyPem, ...(await signer.run({ kind: 'create-request', privateKeyPem })) };
      },
      async signLeaf(requestPem, dnsNames) {
        const task = { kind: 'sign-names' as const, authority: caKey.authority(), requestPem, dnsNames, ips: [] };
        return (await signer.run(task)).certificatePem;
      },
      secretsForMember: () => caKey.authority().privateKeyPem,
      onSecrets: (secrets) => caKey.take(secrets),
    },
    facts: {
      ip: () => settings.address.ip,
      nodes: () =>
        neighbours
          .all()
          .filter((member) => member.state !== 'left')
          .map(({ id, address, state }) => ({ id, ip: address.ip, isAlive: state === 'alive', isCandidate: undefined })),
      nameOf: (id) => neighbours.nameOf(id),
      hasLeft: (id) => neighbours.hasLeft(id),
      knownMembers: () => copy.views.members,
    },
    request: (to, request) => options.request(to, request),
    onStore: (store, why) => parts.onStore(store, why),
    log,
    nowMs: () => performance.now(),
    random: Math.random,
  };
}
