import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import type { ContainerId, HostFacts } from '../../core/model/index.ts';
import { FactsFeed } from './facts-feed.ts';

it('tells of what comes to listen on the host, and of what does so no more', async () => {
  const told: HostFacts[] = [];
  const feed = new FactsFeed({
    networks: () => [],
    foreignRoutes: () => [],
    keptPorts: () => [],
    tell: (facts) => told.push(facts),
    log: () => undefined,
  });
  await feed.look();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const isTold = async () => {
    await feed.look();
    return told.at(-1)?.busyPorts.some((each) => each.protocol === 'tcp' && each.port === port);
  };
  await expect.poll(isTold, { interval: 10 }).toBe(true);
  server.close();
  await expect.poll(isTold, { interval: 10 }).toBe(false);
});

it('says of a port of ours at once that it is free, and never that a process of the host has it', async () => {
  const told: HostFacts[] = [];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const own = { protocol: 'tcp', ip: 0x7f000001, port, container: 'c'.repeat(64) as ContainerId, name: 'web' } as const;
  let kept = [own];
  const feed = new FactsFeed({
    networks: () => [],
    foreignRoutes: () => [],
    keptPorts: () => kept,
    tell: (facts) => told.push(facts),
    log: () => undefined,
  });
  const busy = () => told.at(-1)?.busyPorts.filter((each) => each.protocol === 'tcp' && each.port === port);
  await feed.look();
  expect(busy()).toMatchObject([{ owner: own.container, by: 'web' }]);
  kept = [];
  server.close();
  feed.keptChanged();
  expect(busy()).toEqual([]);
  await feed.look();
  expect(busy()).toEqual([]);
});
