/** One name, one container: claimed from several hosts, on both sides of a pulled cable, while hosts forget. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allAlive, type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { until } from '../lab/shell.ts';
import { UnixClient } from '../lab/unix-client.ts';

let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: 'crvnames', hosts: 3, dir: '/tmp/crvnames', subnet: '10.78.7' });
});
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);
const words = (name: string, on: number): string[] => [
  'run',
  '-d',
  '--name',
  name,
  '--memory',
  '16m',
  '--constraint',
  `node==host${on}`,
  instance.image,
  'sleep',
  '1000',
];
const namesSeenBy = async (n: number): Promise<string[]> => (await host(n).ok(['ps', '--format', '{{.Names}}'])).split('\n').toSorted();
const stateSeenBy = async (n: number, name: string): Promise<string | undefined> =>
  (await nodesSeenBy(host(n))).find((node) => node.name === name)?.state;

test('wanted by three hosts at once, a name goes to one of them', async () => {
  const runs = await Promise.all([1, 2, 3].map((n) => host(n).caravela(words('wanted', n), { timeoutMs: 60_000 })));
  expect(runs.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([0, 125, 125]);
  const id = runs.find(({ code }) => code === 0)?.stdout.trim() ?? '';
  for (const { code, stderr } of runs) if (code !== 0) expect(stderr).toContain('Conflict. The container name "/wanted" is already in use');
  expect(await namesSeenBy(2)).toEqual(['wanted']);
  const again = await host(1).caravela(words('wanted', 1));
  expect([again.code, again.stderr]).toEqual([125, expect.stringContaining(id)]);
  await host(3).ok(['rm', '-f', 'wanted']);
  await host(1).ok(words('wanted', 2));
  await host(2).ok(['rm', '-f', 'wanted']);
});

test('taken is taken, though only the node that has the container knows', async () => {
  await host(1).ok(words('known', 2));
  for (const n of [1, 3]) await host(n).killDaemon();
  for (const n of [1, 3]) await host(n).startDaemon();
  await allAlive(host(1), 3);
  const refused = await host(1).caravela(words('known', 1));
  expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining('The container name "/known" is already in use')]);
  expect(await namesSeenBy(1)).toEqual(['known']);
  await host(3).ok(['rm', '-f', 'known']);
});

test('claimed on both sides of a pulled cable, it stays with the older; the other gets a new name and says so', async () => {
  await instance.lab.cable(host(3), false);
  await until('both sides to hold the other for dead', async () => {
    return (
      (await stateSeenBy(1, 'host3')) === 'dead' && (await stateSeenBy(3, 'host1')) === 'dead' && (await stateSeenBy(3, 'host2')) === 'dead'
    );
  });
  const older = await host(2).ok(words('web', 1));
  const younger = await host(3).ok(words('web', 3));
  const renamed = `web-${younger.slice(0, 12)}`;
  const untilSeconds = Math.ceil(Date.now() / 1000) + 30;
  const filters = encodeURIComponent(JSON.stringify({ event: ['rename'] }));
  const client = new UnixClient(host(3).socket);
  const events = client.ok('GET', `/events?filters=${filters}&until=${untilSeconds}`);

  await instance.lab.cable(host(3), true);
  for (const n of [1, 2, 3]) await allAlive(host(n), 3);
  for (const n of [1, 2, 3]) {
    await until(`host${n} to list both`, async () => (await namesSeenBy(n)).join() === [renamed, 'web'].toSorted().join());
    expect(await host(n).ok(['inspect', '--format', '{{.Id}}', 'web'])).toBe(older);
    expect(await host(n).ok(['inspect', '--format', '{{.Id}}', renamed])).toBe(younger);
    expect((await host(n).caravela(words('web', n))).code).toBe(125);
  }
  const told = JSON.parse((await events).body.split('\n')[0] ?? '') as {
    Action: string;
    Actor: { ID: string; Attributes: Record<string, string> };
  };
  expect(told).toMatchObject({ Action: 'rename', Actor: { ID: younger, Attributes: { name: renamed, oldName: '/web' } } });

  client.close();

  // Durably: the new name is there after its daemon died, and goes with the container.
  await host(3).killDaemon();
  await host(3).startDaemon();
  await allAlive(host(1), 3);
  await until('host1 to list both', async () => (await namesSeenBy(1)).length === 2);
  expect(await host(1).ok(['inspect', '--format', '{{.Name}}', younger])).toBe(`/${renamed}`);
  await host(1).ok(['rm', '-f', renamed, 'web']);
  await host(1).ok(words(renamed, 2));
  await host(1).ok(['rm', '-f', renamed]);
});
