/** Makes whole instances for tests: a CA, keys, and transports on loopback. Test code. */
import { instanceId } from '../core/model/index.ts';
import type { Address, InstanceId, NodeId } from '../core/model/index.ts';
import type { TestNet, TestNode } from './contract.ts';
import { createTransport } from './node-transport.ts';
import type { NodeTransport } from './node-transport.ts';
import { createAuthority, createRequest, signNode } from './trust/authority.ts';
import { createGossipKeys } from './trust/gossip-keys.ts';
import type { GossipKeys } from './trust/gossip-keys.ts';
import { createIdentity } from './trust/identity.ts';
import type { Identity } from './trust/identity.ts';
import type { Authority } from './trust/sign-task.ts';

export interface RealNode extends TestNode {
  readonly transport: NodeTransport;
  readonly identity: Identity;
  readonly certificatePem: string;
  readonly revoked: Set<NodeId>;
  /** What peers said when they took nothing from it. */
  readonly refusals: string[];
  /** Whose datagrams it could not open, as they claimed. */
  readonly unopened: NodeId[];
}

export class TestInstance implements TestNet {
  readonly id: InstanceId;
  readonly authority: Authority;
  readonly gossipKeys: GossipKeys;
  readonly nodes: RealNode[] = [];
  #host = 1;

  constructor(id: InstanceId, authority: Authority, gossipKeys: GossipKeys) {
    this.id = id;
    this.authority = authority;
    this.gossipKeys = gossipKeys;
  }

  static async create(id = instanceId('1'.repeat(32)), gossipKeys = createGossipKeys()): Promise<TestInstance> {
    return new TestInstance(id, await createAuthority(id), gossipKeys);
  }

  async start(count: number): Promise<RealNode[]> {
    const book = new Map<NodeId, Address>();
    const made: RealNode[] = [];
    for (let i = 0; i < count; i++) made.push(await this.node(createIdentity(), book));
    for (const node of made) book.set(node.id, node.address);
    return made;
  }

  async move(node: TestNode): Promise<RealNode> {
    await node.transport.close();
    return this.node((node as RealNode).identity, node.book);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.transport.close()));
  }

  /** One node at 127.0.0.n, ports chosen by the kernel. */
  async node(identity: Identity, book: Map<NodeId, Address>, certificatePem?: string): Promise<RealNode> {
    const leaf = certificatePem ?? (await signNode(this.authority, await createRequest(identity.privateKeyPem), identity.nodeId));
    const received: RealNode['received'] = [];
    const revoked = new Set<NodeId>();
    const refusals: string[] = [];
    const unopened: NodeId[] = [];
    const ip = `127.0.0.${this.#host++}`;
    const transport = await createTransport(
      {
        nodeId: identity.nodeId,
        instanceId: this.id,
        credentials: { certificatePem: leaf, privateKeyPem: identity.privateKeyPem, caPem: this.authority.certificatePem },
        gossipKeys: this.gossipKeys,
        bindIp: ip,
        controlPort: 0,
        gossipPort: 0,
        isRevoked: (id) => revoked.has(id),
      },
      {
        addressOf: (id) => book.get(id),
        onMessage: (from, message) => received.push({ from, message }),
        onRefused: (_peer, why) => refusals.push(why),
        onUnopened: (claimed) => unopened.push(claimed),
        log: () => {},
      },
    );
    const address = { ip, controlPort: transport.controlPort, gossipPort: transport.gossipPort };
    const node: RealNode = {
      id: identity.nodeId,
      transport,
      received,
      address,
      book,
      identity,
      certificatePem: leaf,
      revoked,
      refusals,
      unopened,
    };
    this.nodes.push(node);
    return node;
  }
}
