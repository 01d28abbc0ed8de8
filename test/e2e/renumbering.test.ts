/** Addresses that were agreed and are no more: an older state is put back while containers run, one node being away. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allAlive, type LabInstance, startInstance } from '../lab/instance.ts';
import { until } from '../lab/shell.ts';

let instance: LabInstance;
let dir: string;
beforeAll(async () => {
  const name = `rn${process.pid % 1_000_000}`;
  dir = `/tmp/${name}`;
  instance = await startInstance({ name, hosts: 3, dir, subnet: '10.78.53' });
}, 180_000);
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);

interface Inspected {
  readonly Blocks?: Readonly<Record<string, readonly string[]>>;
  readonly Containers: Readonly<Record<string, { readonly Name: string; readonly IPv4Address: string }>>;
}

const start = (name: string, on: number, words: readonly string[] = []) =>
  host(1).ok([
    'run',
    '-d',
    '--name',
    name,
    '--network',
    'back',
    '--constraint',
    `node==host${on}`,
    ...words,
    instance.tools,
    'sleep',
    '3600',
  ]);

const addressOf = (name: string) => host(1).ok(['inspect', '-f', '{{.NetworkSettings.Networks.back.IPAddress}}', name]);

async function ping(n: number, from: string, to: string): Promise<boolean> {
  const pid = await host(n).ok(['inspect', '-f', '{{.State.Pid}}', from]);
  return (await host(n).run(['nsenter', '--target', pid, '--net', '--mount', '--', 'ping', '-c', '1', '-W', '1', to])).code === 0;
}

/** The interface's own idea of its address. */
async function inside(n: number, name: string): Promise<string> {
  const pid = await host(n).ok(['inspect', '-f', '{{.State.Pid}}', name]);
  return (await host(n).run(['nsenter', '--target', pid, '--net', '--', 'ip', '-o', '-4', 'addr', 'show', 'eth0'])).stdout;
}

test('containers get other addresses, keep running, and are found by their names', async () => {
  const file = `${dir}/snapshot.json`;
  await host(1).ok(['network', 'create', '--subnet', '10.92.0.0/24', 'back']);
  await until('the network to be known everywhere', async () => {
    const lists = await Promise.all([2, 3].map((n) => host(n).ok(['network', 'ls', '--format', '{{.Name}}'])));
    return lists.every((list) => list.split('\n').includes('back'));
  });
  await host(1).ok(['agreement', 'snapshot', file]);
  // Agreed after the snapshot: the restore knows nothing of these.
  await start('one', 2, ['-p', '8088:80']);
  await start('two', 3);
  const before = await Promise.all(['one', 'two'].map(addressOf));
  expect(await ping(2, 'one', 'two')).toBe(true);
  const pids = await host(1).ok(['inspect', '-f', '{{.State.Pid}}', 'one', 'two']);

  await host(3).killDaemon();
  await host(1).ok(['agreement', 'restore', '--force', file]);
  await until('host2 to have other addresses leased', async () => host(2).log().includes('a container has another address'), 60_000);
  // Whoever takes an address now may get one that a container of host3 has still.
  const third = await start('three', 1);
  expect(third).not.toBe('');
  await host(3).startDaemon();
  await allAlive(host(1), 3);
  await until('host3 to renumber on first contact', async () => host(3).log().includes('a container has another address'), 60_000);

  await until('all to reach all by name', async () => {
    const pairs = [
      [2, 'one', 'two'],
      [3, 'two', 'one'],
      [1, 'three', 'two'],
      [2, 'one', 'three'],
    ] as const;
    for (const [n, from, to] of pairs) if (!(await ping(n, from, to))) return false;
    return true;
  });
  const after = await Promise.all(['one', 'two', 'three'].map(addressOf));
  expect(new Set(after).size).toBe(3);
  expect(await inside(2, 'one')).toContain(`${after[0]}/`);
  expect(await inside(3, 'two')).toContain(`${after[1]}/`);
  expect(await host(1).ok(['inspect', '-f', '{{.State.Pid}}', 'one', 'two'])).toBe(pids);
  expect(before).toHaveLength(2);

  // What is published leads to the new address.
  const [inspected] = JSON.parse(await host(1).ok(['network', 'inspect', 'back'])) as Inspected[];
  expect(
    Object.values(inspected?.Containers ?? {})
      .map(({ Name }) => Name)
      .toSorted(),
  ).toEqual(['one', 'three', 'two']);
  const pid = await host(2).ok(['inspect', '-f', '{{.State.Pid}}', 'one']);
  const serve = host(2).run(['nsenter', '--target', pid, '--net', '--mount', '--', 'timeout', '20', 'sh', '-c', 'echo here | nc -l -p 80']);
  await until(
    'the port to lead to it',
    async () => (await host(3).run(['timeout', '2', 'bash', '-c', `cat </dev/tcp/${host(2).ip}/8088`])).stdout === 'here\n',
  );
  await serve;
  await host(1).ok(['rm', '-f', 'one', 'two', 'three']);
  await host(1).ok(['network', 'rm', 'back']);
});
