/** Endpoints in the name directory: what a resolver asks for. */
import { expect, test } from 'vitest';
import { parseIpv4 } from '../../../lib/ipv4.ts';
import { LIMITS } from '../../model/index.ts';
import type { Container, Endpoint, Found, NetworkId } from '../../model/index.ts';
import { NamesCluster } from './test-cluster.ts';
import type { NamesNode } from './test-cluster.ts';

const [net, other] = ['1', '2'].map((digit) => digit.repeat(64)) as [NetworkId, NetworkId];
const key = (name: string, network = net) => ({ kind: 'endpoint', network, name }) as const;

function plug(
  cluster: NamesCluster,
  node: NamesNode,
  container: Container,
  ...endpoints: readonly [address: string, ...names: string[]][]
): void {
  const id = container.request.containerId;
  const wanted = endpoints.map(
    ([address, ...names]): Endpoint => ({ container: id, network: net, address: parseIpv4(address) as number, names }),
  );
  cluster.input(node, (turn) => node.names.endpoints(turn, id, wanted));
}

const valuesOf = ({ entries }: Found): readonly string[] => entries.map(({ value }) => value).sort();

test('by name, alias and address, on its network only; several under one alias; gone with the endpoint or the container', () => {
  const cluster = new NamesCluster(1, 5);
  const [a, b, c] = [cluster.at(0), cluster.at(1), cluster.at(2)];
  const web = cluster.add(a, 'web');
  const twin = cluster.add(b, 'twin');
  plug(cluster, a, web, ['10.0.0.2', 'web', 'Shop', 'shop']);
  plug(cluster, b, twin, ['10.0.0.3', 'twin', 'shop']);
  cluster.run(500);
  const entry = { containerId: web.request.containerId, name: 'web', node: a.id, value: '10.0.0.2' };
  for (const asker of cluster.nodes) {
    expect(cluster.lookUp(asker, key('web'))).toEqual({ entries: [entry], complete: true });
    expect(cluster.lookUp(asker, key('10.0.0.2'))).toEqual({ entries: [entry], complete: true });
    expect(valuesOf(cluster.lookUp(asker, key('shop')))).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(cluster.lookUp(asker, key('web', other))).toEqual({ entries: [], complete: true });
    expect(cluster.lookUp(asker, key('nobody'))).toEqual({ entries: [], complete: true });
  }
  plug(cluster, a, web, ['10.0.0.9', 'web']);
  cluster.run(500);
  expect(valuesOf(cluster.lookUp(c, key('web')))).toEqual(['10.0.0.9']);
  expect(valuesOf(cluster.lookUp(c, key('shop')))).toEqual(['10.0.0.3']);
  expect(valuesOf(cluster.lookUp(c, key('10.0.0.2')))).toEqual([]);
  plug(cluster, a, web);
  cluster.remove(b, twin.request.containerId);
  cluster.run(500);
  for (const name of ['web', '10.0.0.9', 'shop', 'twin', '10.0.0.3'])
    expect(cluster.lookUp(c, key(name)), name).toEqual({ entries: [], complete: true });
  expect(cluster.nodes.flatMap((node) => node.names.entries()).filter(({ key }) => key.kind === 'endpoint')).toEqual([]);
});

test('told for a container that is not here, or beyond the bounds, it is left out', () => {
  const cluster = new NamesCluster(2, 2);
  const [a, b] = [cluster.at(0), cluster.at(1)];
  const web = cluster.add(a, 'web');
  plug(cluster, b, web, ['10.0.0.5', 'stray']);
  const names = Array.from({ length: LIMITS.endpointNames + 1 }, (_, i) => `n${i}`);
  plug(cluster, a, web, ['10.0.0.2', 'x'.repeat(LIMITS.nameKeyBytes), '', ...names]);
  cluster.run(500);
  expect(cluster.lookUp(a, key('stray')).entries).toEqual([]);
  expect(valuesOf(cluster.lookUp(b, key('n0')))).toEqual(['10.0.0.2']);
  expect(cluster.lookUp(b, key(`n${LIMITS.endpointNames}`)).entries).toEqual([]);
  expect(cluster.lookUp(b, key('x'.repeat(LIMITS.nameKeyBytes)))).toEqual({ entries: [], complete: true });
});

test('a miss of the owner’s is asked of all, so that what is not registered yet is found; a hit is not', () => {
  const cluster = new NamesCluster(3, 5);
  const [a, b, c] = [cluster.at(0), cluster.at(1), cluster.at(2)];
  cluster.drop = (_from, _to, { kind }) => kind === 'register';
  const [web, twin] = [cluster.add(a, 'web'), cluster.add(b, 'twin')];
  plug(cluster, a, web, ['10.0.0.2', 'shop']);
  plug(cluster, b, twin, ['10.0.0.3', 'shop']);
  cluster.run(200);
  expect(valuesOf(cluster.lookUp(c, key('shop')))).toEqual(['10.0.0.2', '10.0.0.3']);
  expect(valuesOf(cluster.lookUp(a, key('shop')))).toEqual(['10.0.0.2', '10.0.0.3']);
  cluster.drop = () => false;
  cluster.run(60_000);
  const before = cluster.sent.length;
  expect(valuesOf(cluster.lookUp(c, key('shop')))).toEqual(['10.0.0.2', '10.0.0.3']);
  expect(cluster.sent.length - before).toBeLessThanOrEqual(2);
});

test('that there is none is never said while somebody did not answer, or is dead', () => {
  const cluster = new NamesCluster(4, 4);
  const [a, b, c] = [cluster.at(0), cluster.at(1), cluster.at(2)];
  cluster.drop = (from, to) => from === b.id || to === b.id;
  for (const name of ['nobody', 'nothing', 'nowhere'])
    expect(cluster.lookUp(a, key(name), 2_000), name).toEqual({ entries: [], complete: false });
  for (const node of cluster.nodes) if (node !== b) cluster.see(node, b, 'dead');
  cluster.run(20_000);
  expect(cluster.lookUp(a, key('nobody'))).toEqual({ entries: [], complete: false });
  const web = cluster.add(c, 'web');
  plug(cluster, c, web, ['10.0.0.2', 'web']);
  cluster.run(500);
  expect(cluster.lookUp(a, key('web'))).toMatchObject({ entries: [{ value: '10.0.0.2' }], complete: true });
  for (const node of cluster.nodes) if (node !== b) cluster.see(node, b, 'left');
  cluster.run(20_000);
  expect(cluster.lookUp(a, key('nobody'))).toEqual({ entries: [], complete: true });
});

test('they move with the ring, through a partition, and through a restart of their node once it says so', () => {
  const cluster = new NamesCluster(5, 6);
  const nodes = cluster.nodes;
  const containers = nodes.map((node, i) => {
    const container = cluster.add(node, `job-${i}`);
    plug(cluster, node, container, [`10.0.0.${i + 2}`, `job-${i}`, 'jobs']);
    return container;
  });
  cluster.run(1_000);
  cluster.part(nodes.slice(0, 2));
  cluster.run(10_000);
  expect(valuesOf(cluster.lookUp(cluster.at(0), key('jobs')))).toEqual(['10.0.0.2', '10.0.0.3']);
  expect(cluster.lookUp(cluster.at(0), key('job-5'))).toEqual({ entries: [], complete: false });
  cluster.heal();
  cluster.run(60_000);
  const all = nodes.map((_, i) => `10.0.0.${i + 2}`);
  expect(valuesOf(cluster.lookUp(cluster.at(0), key('jobs')))).toEqual(all);
  cluster.restart(cluster.at(3), 5_000);
  plug(cluster, cluster.at(3), containers[3] as Container, ['10.0.0.77', 'job-3', 'jobs']);
  cluster.run(60_000);
  for (const asker of nodes) expect(valuesOf(cluster.lookUp(asker, key('job-3')))).toEqual(['10.0.0.77']);
});

test('what ended while its node’s daemon was away is soon not found any more, what did not is found all the while', () => {
  const cluster = new NamesCluster(6, 5);
  const [a, b, c] = [cluster.at(0), cluster.at(1), cluster.at(2)];
  const [gone, stays] = [cluster.add(a, 'gone'), cluster.add(a, 'stays')];
  // Owned by one node and another.
  const shared = ['one', 'two', 'three', 'four'];
  plug(cluster, a, gone, ['10.0.0.2', 'gone', ...shared]);
  plug(cluster, a, stays, ['10.0.0.3', 'stays']);
  plug(cluster, b, cluster.add(b, 'other'), ['10.0.0.4', 'other', ...shared]);
  cluster.run(10_000);
  for (const name of shared) expect(valuesOf(cluster.lookUp(c, key(name)))).toEqual(['10.0.0.2', '10.0.0.4']);
  // It is back before anybody has missed it.
  a.containers.delete(gone.request.containerId);
  a.life++;
  a.incarnation++;
  a.names = a.make();
  for (const other of cluster.nodes) cluster.see(other, a, 'alive');
  cluster.input(a, (turn) => a.names.start(turn));
  plug(cluster, a, stays, ['10.0.0.3', 'stays']);
  // Where somebody else is called the same, nobody is led to it even for those seconds.
  for (const name of shared) expect(valuesOf(cluster.lookUp(c, key(name)))).toEqual(['10.0.0.4']);
  for (let s = 0; s < 15; s++) {
    expect(valuesOf(cluster.lookUp(c, key('stays')))).toEqual(['10.0.0.3']);
    expect(valuesOf(cluster.lookUp(c, key('other')))).toEqual(['10.0.0.4']);
  }
  expect(valuesOf(cluster.lookUp(c, key('gone')))).toEqual([]);
  expect(valuesOf(cluster.lookUp(b, key('10.0.0.2')))).toEqual([]);
});
