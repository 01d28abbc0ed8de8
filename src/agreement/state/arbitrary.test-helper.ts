import fc from 'fast-check';
import type { NetworkId, NodeId } from '../../core/model/index.ts';
import { blockAt, type Cidr } from '../../lib/ipv4.ts';
import type { Fact } from './fact.ts';

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
export const nodeIds = hex(32).map((text) => text as NodeId);
export const networkIds = hex(64).map((text) => text as NetworkId);
const names = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const moments = fc.nat({ max: 2 ** 45 });
const addresses = fc.nat({ max: 2 ** 32 - 1 });
export const blocks: fc.Arbitrary<Cidr> = fc
  .record({ address: addresses, prefix: fc.nat({ max: 32 }) })
  .map(({ address, prefix }) => blockAt(address, prefix));
const texts = fc.dictionary(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), { maxKeys: 4, noNullPrototype: true });

const gossipKeys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const vnis = fc.integer({ min: 1, max: 2 ** 24 - 1 });

/** Every kind of fact. */
export const facts: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({ kind: fc.constant('next-number' as const), next: fc.integer({ min: 1, max: 2 ** 31 }) }),
  fc.record({
    kind: fc.constant('node' as const),
    node: fc.record({
      id: nodeIds,
      name: names,
      number: fc.integer({ min: 1, max: 2 ** 31 }),
      state: fc.constantFrom('in' as const, 'left' as const, 'removed' as const),
      sinceMs: moments,
    }),
  }),
  fc.record({ kind: fc.constant('node-name' as const), name: names, node: nodeIds }),
  fc.record({
    kind: fc.constant('token' as const),
    token: fc
      .record({
        secretHash: hex(64),
        createdAtMs: moments,
        expiresAtMs: moments,
        singleUse: fc.boolean(),
        usedBy: fc.option(nodeIds, { nil: undefined }),
      })
      .map((token) => ({ id: token.secretHash.slice(0, 12), ...token })),
  }),
  fc.record({ kind: fc.constant('ca-holder' as const), node: nodeIds }),
  fc.record({ kind: fc.constant('members' as const), members: fc.array(nodeIds, { maxLength: 5 }) }),
  fc.constant({ kind: 'networks-guard' as const }),
  fc.record({
    kind: fc.constant('network' as const),
    network: fc.record({
      id: networkIds,
      name: names,
      subnet: blocks,
      gateway: addresses,
      vni: vnis,
      internal: fc.boolean(),
      mtu: fc.option(fc.integer({ min: 68, max: 9_000 }), { nil: undefined }),
      labels: texts,
      options: texts,
      createdAtMs: moments,
    }),
  }),
  fc.record({ kind: fc.constant('network-name' as const), name: names, network: networkIds }),
  fc.record({ kind: fc.constant('network-vni' as const), vni: vnis, network: networkIds }),
  fc.record({ kind: fc.constant('leases-guard' as const), network: networkIds }),
  fc.record({ kind: fc.constant('lease' as const), lease: fc.record({ network: networkIds, block: blocks, node: nodeIds }) }),
  fc.record({
    kind: fc.constant('volume' as const),
    volume: fc.record({ name: fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/), node: nodeIds, createdAtMs: moments }),
  }),
  fc.record({
    kind: fc.constant('gossip-keys' as const),
    keys: fc
      .uniqueArray(fc.record({ id: fc.nat({ max: 255 }), key: gossipKeys }), { selector: ({ id }) => id, minLength: 1, maxLength: 4 })
      .map((keys) => ({ use: keys[0]!.id, keys })),
  }),
  fc.constant({ kind: 'gossip-keys-due' as const }),
);
