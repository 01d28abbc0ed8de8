/** What is agreed, as a user meets it: through the loss of its members, of a majority, of a node for ever, of an address. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allAlive, type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { must, until } from '../lab/shell.ts';

let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: 'crvagr', hosts: 5, joining: 4, dir: '/tmp/crvagr', subnet: '10.78.41' });
}, 120_000);
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);

interface Status {
  readonly hasQuorum: boolean;
  readonly wanted: number;
  readonly version: { readonly epoch: number; readonly revision: number };
  readonly members: readonly { readonly name: string; readonly role: string; readonly isReachable: boolean }[];
}

const status = async (n: number): Promise<Status> => JSON.parse(await host(n).ok(['agreement', 'status', '--format', 'json'])) as Status;

/** Three members that all take part. */
const settled = (n: number) =>
  until(
    'three agreement members',
    async () => {
      const { members, hasQuorum } = await status(n);
      return hasQuorum && members.length === 3 && members.every(({ role, isReachable }) => isReachable && role !== 'learner') && members;
    },
    60_000,
  );

const numberOf = (name: string) => Number(name.replace('host', ''));

async function inside(n: number, name: string, command: readonly string[]) {
  const pid = await host(n).ok(['inspect', '-f', '{{.State.Pid}}', name]);
  return host(n).run(['nsenter', '--target', pid, '--net', '--mount', '--', ...command]);
}

test('the nodes choose three of themselves, one of which leads', async () => {
  const members = await settled(4);
  expect(members.filter(({ role }) => role === 'leader')).toHaveLength(1);
  expect((await status(1)).wanted).toBe(3);
});

test('any node takes a join while the creator and its member are gone', async () => {
  await host(1).killDaemon();
  const { token } = JSON.parse(await host(2).ok(['token', 'create', '--format', 'json'])) as { token: string };
  await host(5).ok(['join', host(5).ip, host(3).ip, '--name', 'host5', '--token', token]);
  expect((await nodesSeenBy(host(5))).map(({ name }) => name).toSorted()).toEqual(['host1', 'host2', 'host3', 'host4', 'host5']);
  await host(5).ok(['run', '-d', '--name', 'newcomer', '--constraint', 'node==host5', instance.tools, 'sleep', '3600']);
  await host(5).ok(['rm', '-f', 'newcomer']);
  await host(1).startDaemon();
  await allAlive(host(1), 5);
});

test('without a majority everything goes on but what needs one, and that says why', async () => {
  const members = await settled(5);
  const [first, second, third] = members.map(({ name }) => numberOf(name)) as [number, number, number];
  await host(third).ok(['run', '-d', '--name', 'before', '--constraint', `node==host${third}`, instance.tools, 'sleep', '3600']);
  await host(first).killDaemon();
  await host(second).killDaemon();

  const create = await host(third).caravela(['network', 'create', 'impossible']);
  expect(create.code).toBe(1);
  expect(create.stderr).toContain('majority');
  const join = await host(third).caravela(['token', 'create']);
  expect(join.code).not.toBe(0);

  const place = (name: string) => ['run', '-d', '--name', name, '--constraint', `node==host${third}`, instance.tools, 'sleep', '3600'];
  await host(third).ok(place('during'));
  expect((await inside(third, 'during', ['ping', '-c', '1', '-W', '2', 'before'])).stdout).toContain(' 0% packet loss');
  await host(third).ok(['stop', '-t', '1', 'before']);
  await host(third).ok(['start', 'before']);
  expect(await host(third).ok(['ps', '--format', '{{.Names}}'])).toContain('during');
  expect((await status(third)).hasQuorum).toBe(false);

  await host(first).startDaemon();
  await host(second).startDaemon();
  await settled(third);
  await host(third).ok(['network', 'create', 'possible']);
  await host(third).ok(['network', 'rm', 'possible']);
  await host(third).ok(['rm', '-f', 'before', 'during']);
  await allAlive(host(first), 5);
});

describe('a node that moves', () => {
  test('is followed by its containers’ packets and by agreement', async () => {
    await settled(1);
    await host(1).ok(['run', '-d', '--name', 'far', '--constraint', 'node==host3', instance.tools, 'sleep', '3600']);
    await host(1).ok(['run', '-d', '--name', 'near', '--constraint', 'node==host1', instance.tools, 'sleep', '3600']);
    const netns = host(3).netns;
    const moved = host(3).ip.replace(/\d+$/, '103');
    await must(['ip', '-n', netns, 'addr', 'del', `${host(3).ip}/24`, 'dev', 'eth0']);
    await must(['ip', '-n', netns, 'addr', 'add', `${moved}/24`, 'dev', 'eth0']);
    await must(['ip', '-n', netns, 'route', 'replace', 'default', 'via', instance.lab.bridgeIp]);
    await until('near to reach far again', async () => (await inside(1, 'near', ['ping', '-c', '1', '-W', '1', 'far'])).code === 0, 60_000);
    await settled(1);
    const rows = await nodesSeenBy(host(1));
    expect(rows.find(({ name }) => name === 'host3')?.address).toContain(moved);
    await host(1).ok(['rm', '-f', 'far', 'near']);
  });
});

describe('a node that is gone for ever', () => {
  test('is removed by name, its addresses are free, and it is not taken back', async () => {
    const members = (await settled(1)).map(({ name }) => name);
    const outsider = ['host4', 'host5', 'host2'].find((name) => !members.includes(name)) ?? 'host5';
    const n = numberOf(outsider);
    await host(1).ok(['run', '-d', '--name', 'lost', '--constraint', `node==${outsider}`, instance.tools, 'sleep', '3600']);
    const refused = await host(1).caravela(['nodes', 'rm', outsider]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('--force');
    await host(n).killDaemon();
    const blocks = async () => (await host(1).ok(['network', 'inspect', 'caravela'])).includes(outsider);
    expect(await blocks()).toBe(true);
    await until('the node to be known as gone', async () => (await host(1).caravela(['nodes', 'rm', outsider])).code === 0, 40_000);
    await until('its blocks to be free', async () => !(await blocks()));
    await host(n).caravela(['daemon']);
    await until('it to say that it was removed', async () => host(n).log().includes('was removed from'), 40_000);
    const seen = (await nodesSeenBy(host(1))).filter(({ state }) => state === 'alive').map(({ name }) => name);
    expect(seen).not.toContain(outsider);
  });
});

test('a snapshot is put back as it was', async () => {
  const file = '/tmp/crvagr/snapshot.json';
  await settled(1);
  await host(1).ok(['network', 'create', 'kept']);
  await host(1).ok(['agreement', 'snapshot', file]);
  await host(1).ok(['network', 'rm', 'kept']);
  const before = await status(1);
  await host(1).ok(['agreement', 'restore', '--force', file]);
  await until(
    'the network to be back everywhere',
    async () => (await host(2).ok(['network', 'ls', '--format', '{{.Name}}'])).split('\n').includes('kept'),
    30_000,
  );
  expect((await status(2)).version.epoch).toBeGreaterThan(before.version.epoch);
});
