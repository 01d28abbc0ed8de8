import { expect, it } from 'vitest';
import { containerId, type NetworkId, nodeId } from '../../core/model/index.ts';
import { PortServer } from './port-server.ts';
import type { TaskPort } from './task-network.ts';

const A = containerId('a'.repeat(64));
const PEER = nodeId('1'.repeat(32));
const OPEN = 'e'.repeat(64) as NetworkId;
const CLOSED = 'f'.repeat(64) as NetworkId;
const port = (network: NetworkId): TaskPort => ({ protocol: 'tcp', ip: 0, port: 80, containerPort: 80, network, address: 1 });

it('hears one word about a container after the other, serves nothing on networks of which this host is no part', async () => {
  const done: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = new PortServer({
    claims: {
      mayServe: (_container, node) => node === PEER,
      release: () => void done.push('released'),
      async serve(_container, _node, ports) {
        await promise;
        done.push(`serves ${ports.length}`);
        return ports;
      },
    },
    isOpen: (network) => network === OPEN,
    changed: () => void done.push('changed'),
    settled: async () => void done.push('settled'),
  });
  let number = 0;
  const say = (message: object, from = PEER) =>
    server.answer(from, JSON.stringify({ container: A, ports: [], gone: false, life: 7, number: ++number, ...message }));
  const first = say({ ports: [port(OPEN), port(CLOSED)] });
  const last = say({ gone: true });
  resolve();
  expect(await first).toEqual({ status: 200, body: JSON.stringify([port(OPEN)]) });
  expect(await last).toEqual({ status: 200, body: '[]' });
  expect(done).toEqual(['serves 1', 'changed', 'settled', 'released', 'changed', 'settled']);
  expect(await say({}, nodeId('2'.repeat(32)))).toMatchObject({ status: 400 });
  // What a broken connection held back: the address was another container's by the time that it came.
  expect(await say({ ports: [port(OPEN)], number: 1 })).toEqual({ status: 409, body: '{}' });
  expect(await say({ ports: [port(OPEN)], life: 6, number: 99 })).toEqual({ status: 409, body: '{}' });
  expect(done).toHaveLength(6);
  // The same again, and one of the next life, which counts anew.
  expect(await say({ gone: true, number: 2 })).toMatchObject({ status: 200 });
  expect(await say({ ports: [port(OPEN)], life: 8, number: 1 })).toMatchObject({ status: 200 });
  expect(await server.answer(PEER, 'junk')).toMatchObject({ status: 400 });
});
