/** A node that is no agreement member gets another address while containers talk: every peer's frames follow it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { must, until } from '../lab/shell.ts';

const HOSTS = 4;
let instance: LabInstance;
/** The number of the host that takes no part in agreement. */
let mover: number;
beforeAll(async () => {
  const name = `ad${process.pid % 1_000_000}`;
  instance = await startInstance({ name, hosts: HOSTS, dir: `/tmp/${name}`, subnet: '10.78.52' });
  const members = await until(
    'three agreement members',
    async () => {
      const status = JSON.parse(await host(1).ok(['agreement', 'status', '--format', 'json'])) as {
        members: { name: string; role: string }[];
      };
      return status.members.length === 3 && status.members.every(({ role }) => role !== 'learner') && status.members;
    },
    60_000,
  );
  mover = [1, 2, 3, 4].find((n) => !members.some(({ name }) => name === host(n).name)) ?? HOSTS;
  for (const n of others())
    await host(1).ok(['run', '-d', '--name', `near${n}`, '--constraint', `node==host${n}`, instance.tools, 'sleep', '3600']);
  await host(1).ok(['run', '-d', '--name', 'far', '--constraint', `node==host${mover}`, instance.tools, 'sleep', '3600']);
}, 180_000);
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);
const others = () => [1, 2, 3, 4].filter((n) => n !== mover);
const addressAt = (last: number) => host(mover).ip.replace(/\d+$/, String(last));

async function reaches(n: number): Promise<boolean> {
  const pid = await host(n).ok(['inspect', '-f', '{{.State.Pid}}', `near${n}`]);
  return (await host(n).run(['nsenter', '--target', pid, '--net', '--mount', '--', 'ping', '-c', '1', '-W', '1', 'far'])).code === 0;
}

/** Until all containers reach `far`, and no host sends to the old address any more. */
async function followed(from: string, to: string): Promise<number> {
  const began = performance.now();
  await until(
    `all hosts to send to ${to}`,
    async () => {
      const tables = await Promise.all(others().map(async (n) => (await host(n).run(['bridge', 'fdb', 'show'])).stdout));
      return tables.every((table) => table.includes(`dst ${to} `) && !table.includes(`dst ${from} `));
    },
    30_000,
  );
  for (const n of others()) await until(`near${n} to reach far again`, () => reaches(n), 5_000);
  return performance.now() - began;
}

test('in place: the daemon notices, and moves', async () => {
  for (const n of others()) await until(`near${n} to reach far`, () => reaches(n));
  const [from, to] = [host(mover).ip, addressAt(101)];
  const { netns } = host(mover);
  await must(['ip', '-n', netns, 'addr', 'del', `${from}/24`, 'dev', 'eth0']);
  await must(['ip', '-n', netns, 'addr', 'add', `${to}/24`, 'dev', 'eth0']);
  await must(['ip', '-n', netns, 'route', 'replace', 'default', 'via', instance.lab.bridgeIp]);
  const tookMs = await followed(from, to);
  console.log(`talking again after ${(tookMs / 1_000).toFixed(1)} s`);
  const rows = await nodesSeenBy(host(others()[0] ?? 1));
  expect(rows.find(({ name }) => name === `host${mover}`)).toMatchObject({
    address: expect.stringContaining(to) as string,
    state: 'alive',
  });
  // What it gets agreed goes by others, as before.
  await host(mover).ok(['network', 'create', 'moved']);
  await host(mover).ok(['network', 'rm', 'moved']);
});

test('by a restart so short that nobody missed it', async () => {
  const [from, to] = [addressAt(101), addressAt(102)];
  // The second of two addresses of a subnet goes with the first otherwise.
  await host(mover).run(['sysctl', '-qw', 'net.ipv4.conf.all.promote_secondaries=1']);
  const { netns } = host(mover);
  await must(['ip', '-n', netns, 'addr', 'add', `${to}/24`, 'dev', 'eth0']);
  await host(mover).killDaemon();
  await host(mover).ok(['daemon', '--advertise', to]);
  // Whoever still sends to it sends to nobody.
  await must(['ip', '-n', netns, 'addr', 'del', `${from}/24`, 'dev', 'eth0']);
  const tookMs = await followed(from, to);
  console.log(`talking again after ${(tookMs / 1_000).toFixed(1)} s`);
  expect(await Promise.all(others().map(reaches))).toEqual([true, true, true]);
});

test('of which a peer’s daemon hears only after it was down itself', async () => {
  const [from, to] = [addressAt(102), addressAt(103)];
  const { netns } = host(mover);
  const asleep = host(others().at(-1) ?? 1);
  await asleep.killDaemon();
  await must(['ip', '-n', netns, 'addr', 'add', `${to}/24`, 'dev', 'eth0']);
  await host(mover).killDaemon();
  await host(mover).ok(['daemon', '--advertise', to]);
  await must(['ip', '-n', netns, 'addr', 'del', `${from}/24`, 'dev', 'eth0']);
  await asleep.startDaemon();
  await followed(from, to);
  expect(await Promise.all(others().map(reaches))).toEqual([true, true, true]);
});
