import { randomBytes, X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { findEtcd } from '../agreement/etcd/command.ts';
import type { Update } from '../agreement/state/update.ts';
import { unpackUpdate } from '../agreement/sync/update-codec.ts';
import { instanceId, type MemberRecord } from '../core/model/index.ts';
import { formatCidr } from '../lib/ipv4.ts';
import type { Store } from '../store/port.ts';
import { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { joinInstance } from '../transport/join/join-instance.ts';
import { JOIN_LIMITS } from '../transport/join/messages.ts';
import { startError } from '../transport/start-error.ts';
import { checkGossipKeys, createGossipKeys, type GossipKeys } from '../transport/trust/gossip-keys.ts';
import { createIdentity } from '../transport/trust/identity.ts';
import { createSigner } from '../transport/trust/signer.ts';
import { caDigest, parseToken } from '../transport/trust/token.ts';
import { type Founding, newFounding } from './agreement/founding.ts';
import { hostAddresses, hostArch } from './host-facts.ts';
import { hostRoutes, routeInTheWay } from './host-routes.ts';
import { initOptions, type InitOptions, type InitRequest, parseBootstrap } from './init-options.ts';
import { isNode, type NodePaths, nodePaths, removeNode, writeDurably } from './node-files.ts';
import { ownAddress } from './own-address.ts';
import { DOCUMENTS, type InstanceSettings, type NodeSettings } from './settings.ts';
import { VERSION } from './version.ts';

export interface InitResult {
  readonly nodeId: string;
  readonly name: string;
  readonly instanceId: string;
  readonly address: string;
  readonly port: number;
  /** At create: the digest of the instance's certificate. SHA-256, hex. */
  readonly authority?: string;
  /** At an open instance: whose certificate was believed without a token. SHA-256, hex. */
  readonly trustedOnFirstUse?: string;
}

/** What create and join have in common once they know everything. */
interface Outcome {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
  readonly caKeyPem: string | undefined;
  readonly instance: InstanceSettings;
  readonly node: NodeSettings;
  readonly gossipKeys: GossipKeys;
  readonly members: readonly MemberRecord[];
  /** At create: what the first start of the daemon agrees on. */
  readonly founding: Founding | undefined;
  /** At join: what is agreed. */
  readonly agreed: Update | undefined;
}

/**
 * Makes this host a node: of a new instance, or of one that it joins. Runs in a process of its own
 * before the daemon starts. The last thing written is the node id, so a failure or a crash before
 * leaves a host that is no node, and what it wrote is removed. @throws Error for the terminal
 */
export async function init(request: InitRequest): Promise<InitResult> {
  const paths = nodePaths(request.dataDir, request.runDir);
  if (isNode(paths)) {
    throw new Error(
      `this host is already a node of an instance (${paths.dataDir}): start it with "caravela daemon", or take it out with "caravela leave" first`,
    );
  }
  const options = initOptions(request);
  const bootstrap = request.bootstrap === undefined ? undefined : parseBootstrap(request.bootstrap);
  const ip = await ownAddress({ ip: options.ip, interface: options.interface, bootstrap: bootstrap?.host });
  if (bootstrap?.port === options.port && (bootstrap.host === ip || hostAddresses().some((each) => each.ip === bootstrap.host))) {
    throw new Error(`${bootstrap.host} is this machine itself: name a node that is in the instance, as in "caravela join ${ip} IP"`);
  }
  await checkPorts(ip, options, request.command === 'create');
  const outcome =
    request.command === 'create' || bootstrap === undefined
      ? await create(options, ip)
      : await join(options, ip, bootstrap, request.token === undefined || request.token === '' ? undefined : request.token);
  write(paths, outcome.kept);
  const { node, instance } = outcome.kept;
  return {
    nodeId: node.nodeId,
    name: node.name,
    instanceId: instance.instanceId,
    address: ip,
    port: options.port,
    ...(request.command === 'create' && { authority: caDigest(new X509Certificate(outcome.kept.caPem)).toString('hex') }),
    ...(outcome.trusted !== undefined && { trustedOnFirstUse: outcome.trusted }),
  };
}

async function create(options: InitOptions, ip: string): Promise<{ kept: Outcome; trusted: undefined }> {
  if (findEtcd() === undefined) {
    throw new Error(
      'an instance needs etcd on its first node, to agree on names and addresses: install it (Debian, Ubuntu: apt install etcd-server) and try again',
    );
  }
  const subnet = formatCidr(options.defaultSubnet);
  const inTheWay = routeInTheWay(options.defaultSubnet, hostRoutes());
  if (inTheWay !== undefined) {
    throw new Error(`the default network can't be ${subnet} on this host: ${inTheWay} it. Choose another with --default-subnet CIDR`);
  }
  const signer = createSigner();
  const id = instanceId(randomBytes(16).toString('hex'));
  const authority = await signer.run({ kind: 'create-authority', instanceId: id });
  const identity = createIdentity();
  const { requestPem } = await signer.run({ kind: 'create-request', privateKeyPem: identity.privateKeyPem });
  const { certificatePem } = await signer.run({ kind: 'sign-node', authority, requestPem, nodeId: identity.nodeId });
  const instance: InstanceSettings = {
    instanceId: id,
    createdAtMs: Date.now(),
    creator: identity.nodeId,
    open: options.open,
    vxlanPort: options.vxlanPort,
    insecureRegistries: options.insecureRegistries,
    leasesEndAfterDays: options.leasesEndAfterDays,
  };
  const kept: Outcome = {
    privateKeyPem: identity.privateKeyPem,
    certificatePem,
    caPem: authority.certificatePem,
    caKeyPem: authority.privateKeyPem,
    instance,
    node: nodeSettings(options, ip, { nodeId: identity.nodeId, name: options.name, number: 1 }),
    gossipKeys: createGossipKeys(),
    members: [],
    founding: newFounding(subnet, instance.createdAtMs),
    agreed: undefined,
  };
  return { kept, trusted: undefined };
}

async function join(
  options: InitOptions,
  ip: string,
  bootstrap: { readonly host: string; readonly port: number },
  token: string | undefined,
): Promise<{ kept: Outcome; trusted: string | undefined }> {
  const parsed = token === undefined ? undefined : parseToken(token);
  const signer = createSigner();
  const identity = createIdentity();
  const { requestPem } = await signer.run({ kind: 'create-request', privateKeyPem: identity.privateKeyPem });
  const joined = await joinInstance({
    ...bootstrap,
    token: parsed,
    requestPem,
    describe: () => ({
      nodeId: identity.nodeId,
      name: options.name,
      address: { ip, controlPort: options.port, gossipPort: options.gossipPort },
      class: options.class,
      arch: hostArch(),
      labels: options.labels,
      version: VERSION,
      routes: hostRoutes()
        .slice(0, JOIN_LIMITS.routes)
        .map(({ block, device }) => ({ block: formatCidr(block), device })),
    }),
  });
  const kept: Outcome = {
    privateKeyPem: identity.privateKeyPem,
    certificatePem: joined.certificatePem,
    caPem: joined.caPem,
    caKeyPem: undefined,
    instance: JSON.parse(joined.instance) as InstanceSettings,
    node: nodeSettings(options, ip, { nodeId: identity.nodeId, name: joined.name, number: joined.number }),
    gossipKeys: checkGossipKeys(joined.gossipKeys),
    members: joined.members.map(({ state: _state, ...record }) => record),
    founding: undefined,
    agreed: joined.agreed === '' ? undefined : await unpackUpdate(Buffer.from(joined.agreed, 'base64')),
  };
  return { kept, trusted: joined.trustedOnFirstUse ? joined.caDigest : undefined };
}

function nodeSettings(options: InitOptions, ip: string, given: Pick<NodeSettings, 'nodeId' | 'name' | 'number'>): NodeSettings {
  return {
    ...given,
    address: { ip, controlPort: options.port, gossipPort: options.gossipPort },
    class: options.class,
    labels: options.labels,
    reserveCpuMillicores: options.reserveCpuMillicores,
    reserveMemoryBytes: options.reserveMemoryBytes,
    overcommit: options.overcommit,
    agreementPort: options.agreementPort,
  };
}

function write(paths: NodePaths, outcome: Outcome): void {
  let store: Store | undefined;
  try {
    mkdirSync(paths.dataDir, { recursive: true, mode: 0o700 });
    writeDurably(paths.nodeKey, outcome.privateKeyPem);
    writeDurably(paths.nodeCertificate, outcome.certificatePem);
    writeDurably(paths.caCertificate, outcome.caPem);
    if (outcome.caKeyPem !== undefined) writeDurably(paths.caKey, outcome.caKeyPem);
    store = new SqliteStore(paths.state);
    store.putDocument(DOCUMENTS.instance, outcome.instance);
    store.putDocument(DOCUMENTS.gossipKeys, outcome.gossipKeys);
    if (outcome.founding !== undefined) store.putDocument(DOCUMENTS.founding, outcome.founding);
    if (outcome.agreed !== undefined) {
      const { version, entries } = outcome.agreed;
      store.putAgreed({ version, put: entries, remove: [], replace: true });
    }
    store.putDocument(DOCUMENTS.node, outcome.node);
    store.putMembers(outcome.members);
    store.close();
    writeDurably(paths.nodeId, `${outcome.node.nodeId}\n`, 0o644);
  } catch (error) {
    store?.close();
    removeNode(paths);
    throw new Error(`cannot keep the node's state under ${paths.dataDir}: ${(error as Error).message}`, { cause: error });
  }
}

/** A taken port is found before a token is spent on joining. */
async function checkPorts(ip: string, options: InitOptions, isFirst: boolean): Promise<void> {
  for (const port of isFirst ? [options.port, options.agreementPort] : [options.port]) {
    await new Promise<void>((resolve, reject) => {
      const server = createServer();
      server.once('error', (error) => reject(startError(error, 'tcp', ip, port)));
      server.listen({ host: ip, port, exclusive: true }, () => server.close(() => resolve()));
    });
  }
  await new Promise<void>((resolve, reject) => {
    const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error) => reject(startError(error, 'udp', ip, options.gossipPort)));
    socket.bind({ address: ip, port: options.gossipPort, exclusive: true }, () => socket.close(() => resolve()));
  });
}
