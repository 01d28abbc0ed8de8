import { expect, test } from 'vitest';
import { nodeId } from '../../core/model/index.ts';
import type { Address, NodeId } from '../../core/model/index.ts';
import { transportContract, until, echo, ping } from '../contract.ts';
import type { TestNet, TestNode } from '../contract.ts';
import { FakeUnderlay } from './fake-underlay.ts';

function fakeNet(): TestNet & { underlay: FakeUnderlay } {
  const underlay = new FakeUnderlay();
  const nodes: TestNode[] = [];
  let next = 1;
  const make = (id: NodeId, book: Map<NodeId, Address>): TestNode => {
    const address = { ip: `10.0.0.${next++}`, controlPort: 8001, gossipPort: 8000 };
    const received: TestNode['received'] = [];
    const transport = underlay.attach(id, address, {
      addressOf: (peer) => book.get(peer),
      onMessage: (from, message) => received.push({ from, message }),
      log: () => {},
    });
    const node = { id, transport, received, address, book };
    nodes.push(node);
    return node;
  };
  return {
    underlay,
    async start(count) {
      const book = new Map<NodeId, Address>();
      const made = Array.from({ length: count }, (_, i) => make(nodeId((i + 1).toString(16).padStart(32, '0')), book));
      for (const node of made) book.set(node.id, node.address);
      return made;
    },
    async move(node) {
      await node.transport.close();
      return make(node.id, node.book);
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.transport.close()));
    },
  };
}

transportContract('fake', fakeNet);

test('a cut breaks what is open and lets nothing through until healed', async () => {
  const net = fakeNet();
  const [a, b] = (await net.start(2)) as [TestNode, TestNode];
  b.transport.onPeerRequest(() => {});
  const waiting = a.transport.request(b.id, { method: 'GET', path: '/', timeoutMs: 60_000 });
  waiting.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  net.underlay.cut(a.id, b.id);
  await expect(waiting).rejects.toThrow(/node/);
  a.transport.send(b.id, ping(b.id));
  net.underlay.heal(a.id, b.id);
  b.transport.onPeerRequest(echo);
  (await a.transport.request(b.id, { method: 'GET', path: '/', timeoutMs: 5_000 })).body.resume();
  a.transport.send(b.id, ping(b.id, 2));
  await until(() => b.received.length > 0);
  await net.stop();
});
