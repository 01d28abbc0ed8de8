/** A node that is not seen for long loses its addresses, not its place; when it comes back its containers get others. Two minutes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settled } from '../lab/agreement-status.ts';
import { allAlive, type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { until } from '../lab/shell.ts';

/** Several of these may run at a time on one machine. */
const NAME = `al${process.pid.toString(36)}`;
/** A member looks twice a minute. */
const SECONDS = 40;

let instance: LabInstance;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lost-'));
  const config = join(dir, 'config.toml');
  writeFileSync(config, `[instance]\nleases_end_after_days = ${SECONDS / 86_400}\n`);
  const extra = (n: number) => (n === 1 ? ['--config', config] : []);
  instance = await startInstance({ name: NAME, hosts: 3, dir: `/tmp/${NAME}`, extra });
}, 120_000);
afterAll(async () => {
  await instance?.down();
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
}, 60_000);

const host = (n: number): LabHost => instance.lab.host(n);

test('a node that was away for too long comes back to other addresses', { timeout: 400_000 }, async () => {
  const place = (n: number, name: string) =>
    host(1).ok(['run', '-d', '--name', name, '--constraint', `node==host${n}`, instance.tools, 'sleep', '3600']);
  await place(1, 'near');
  await place(3, 'far');
  const holders = async () => {
    const [network] = JSON.parse(await host(1).ok(['network', 'inspect', 'caravela'])) as [{ Caravela: { Blocks: object } }];
    return Object.keys(network.Caravela.Blocks);
  };
  expect(await holders()).toEqual(['host1', 'host2', 'host3']);

  // One of two members could not be missed.
  await settled(host(1));
  await host(3).killDaemon();
  await until('its addresses to be free', async () => !(await holders()).includes('host3'), 300_000);
  expect((await nodesSeenBy(host(1))).find(({ name }) => name === 'host3')?.state).toBe('dead');
  const said = [1, 2].flatMap((n) => host(n).log().split('\n')).filter((line) => line.includes('addresses are free'));
  expect(said.length).toBeGreaterThan(0);

  await host(3).startDaemon();
  await allAlive(host(1), 3);
  const pid = await host(1).ok(['inspect', '-f', '{{.State.Pid}}', 'near']);
  const ping = ['nsenter', '--target', pid, '--net', '--mount', '--', 'ping', '-c', '1', '-W', '1', 'far'];
  await until('its container to be reached', async () => (await host(1).run(ping)).code === 0, 60_000);
  expect(await holders()).toContain('host3');
});
