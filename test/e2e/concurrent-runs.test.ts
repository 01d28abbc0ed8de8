/** Two hundred runs at a time from three daemons: all that fits is placed, and not one more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Accounts } from '../lab/accounts.ts';
import { createAtOnce, type Wish } from '../lab/concurrent-creates.ts';
import { type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { until } from '../lab/shell.ts';
import { UnixClient } from '../lab/unix-client.ts';

const MIB = 1024 * 1024;
const RUNS = 200;
/** Each host offers its two cores so many times: room for some three hundred small containers on any machine. */
const OVERCOMMIT = 5;

let instance: LabInstance;
let clients: readonly UnixClient[];
beforeAll(async () => {
  instance = await startInstance({
    name: 'crvmany',
    hosts: 3,
    dir: '/tmp/crvmany',
    subnet: '10.78.30',
    extra: () => ['--overcommit', String(OVERCOMMIT)],
  });
  for (const host of instance.lab.hosts) await host.ok(['pull', instance.image]);
  clients = instance.lab.hosts.map((host) => new UnixClient(host.socket, RUNS));
});
afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await instance?.down();
});

const clientOf = (i: number): UnixClient => clients[i % clients.length] as UnixClient;

test('200 that fit are all placed, of 200 more exactly those that fit; the rest hear why', { timeout: 60_000 }, async () => {
  const [first] = await nodesSeenBy(instance.lab.host(1));
  const capacity = first?.cpus.capacity ?? 0;
  // Two thirds of what all offer; a unit is what the smallest asks for.
  const unit = Math.floor((3 * capacity * 0.67) / (RUNS * 2));
  const wish = (units: number): Wish => ({ image: instance.image, cpuMillicores: units * unit, memoryBytes: 8 * MIB });
  const accounts = new Accounts(clients);
  accounts.watch();

  const fitting = await createAtOnce(
    clients,
    Array.from({ length: RUNS }, (_, i) => wish([1, 2, 3, 2][i % 4] ?? 2)),
  );
  expect(fitting.filter((answer) => answer.status !== 201)).toEqual([]);

  const room = (await nodesSeenBy(instance.lab.host(2))).map((node) => Math.floor((node.cpus.capacity - node.cpus.reserved) / (2 * unit)));
  const fits = room.reduce((sum, n) => sum + n, 0);
  expect(fits).toBeGreaterThan(50);
  expect(fits).toBeLessThan(150);
  const beyond = await createAtOnce(
    clients,
    Array.from({ length: RUNS }, () => wish(2)),
  );
  const placed = beyond.filter((answer) => answer.status === 201);
  const refused = beyond.filter((answer) => answer.status !== 201);
  expect(placed).toHaveLength(fits);
  for (const { status, message } of refused) {
    expect(status).toBe(503);
    expect(message).toMatch(/^no node has [\d.]+ CPUs and 8 MiB free: of 3 nodes 3 lack CPU \(best: host\d with [\d.]+ CPUs\)$/);
  }

  const all = [...fitting, ...placed];
  const rows = await accounts.containers();
  expect(rows.map((row) => row.Id).toSorted()).toEqual(all.map((answer) => answer.id ?? '').toSorted());
  expect(new Set(rows.flatMap((row) => row.Names)).size).toBe(rows.length);
  await until('no hold to be left', () => accounts.balance(), 10_000);

  // A sample of them runs for real.
  const sample = rows.filter((_, i) => i % 25 === 0);
  await Promise.all(sample.map((row, i) => clientOf(i).ok('POST', `/containers/${row.Id}/start`)));
  const running = (await accounts.containers(clientOf(1))).filter((row) => row.State === 'running');
  expect(running.map((row) => row.Id).toSorted()).toEqual(sample.map((row) => row.Id).toSorted());

  await Promise.all(rows.map((row, i) => clientOf(i).ok('DELETE', `/containers/${row.Id}?force=1`)));
  const emptied = (await accounts.nodes()).filter((node) => node.cpus.reserved + node.memory.reserved + node.containers === 0);
  expect(emptied).toHaveLength(3);
  const { looks, oversold } = await accounts.stop();
  expect(oversold).toEqual([]);
  expect(looks).toBeGreaterThan(10);
});
