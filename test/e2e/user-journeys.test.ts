/** What people do to a few machines over the days: reboots without a network, new addresses, typos. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { mountsBelow } from '../lab/lab.ts';
import { must, until } from '../lab/shell.ts';

let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: 'crvuser', hosts: 3, dir: '/tmp/crvuser', subnet: '10.81.9' });
});
afterAll(async () => {
  await instance?.down();
});
const host = (n: number): LabHost => instance.lab.host(n);
const inHost = (n: number, ...words: string[]) => must(['ip', '-n', host(n).netns, ...words]);

async function row(asked: number, name: string) {
  const rows = await nodesSeenBy(host(asked));
  return rows.find((each) => each.name === name);
}
const seenAt = async (asked: number, name: string, ip: string) => {
  const found = await row(asked, name);
  return found?.state === 'alive' && found.address === `${ip}:8001`;
};
async function readdress(n: number, ip: string): Promise<void> {
  await inHost(n, 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
  await inHost(n, 'addr', 'add', `${ip}/24`, 'dev', 'eth0');
  await inHost(n, 'route', 'add', 'default', 'via', instance.lab.bridgeIp);
}
const runOn = (n: number, name: string, ...words: string[]) =>
  host(1).ok(['run', '-d', '--network', 'none', '--name', name, '--constraint', `node==host${n}`, ...words]);

describe('a node whose host has another address', () => {
  test('is the same node to all when its daemon starts again, with its containers', async () => {
    await runOn(3, 'kept', instance.image, 'sh', '-c', 'echo still here; exec sleep 1000');
    const before = await row(1, 'host3');
    await host(3).killDaemon('SIGTERM');
    await readdress(3, '10.81.9.33');
    await host(3).startDaemon();
    for (const n of [1, 2, 3]) await until(`host${n} to see host3 at its new address`, () => seenAt(n, 'host3', '10.81.9.33'));
    expect((await row(2, 'host3'))?.id).toBe(before?.id);
    expect(await nodesSeenBy(host(2))).toHaveLength(3);
    expect(await host(2).ok(['logs', 'kept'])).toBe('still here');
    expect(await runOn(3, 'new', instance.image, 'sleep', '1000')).toMatch(/^[0-9a-f]{64}$/);
    expect(await host(2).ok(['stop', '-t', '0', 'kept'])).toBe('kept');
  });

  test('moves while the daemon runs, even the one that created the instance', async () => {
    await readdress(1, '10.81.9.11');
    for (const n of [1, 2, 3]) {
      await until(`host${n} to see host1 at its new address`, () => seenAt(n, 'host1', '10.81.9.11').catch(() => false), 40_000);
    }
    expect(await host(2).ok(['token', 'create'])).toMatch(/^crvl1\./);
  });

  test('--advertise chooses among several, and refuses what is none of them', async () => {
    await inHost(2, 'addr', 'add', '10.81.9.22/24', 'dev', 'eth0');
    await host(2).killDaemon('SIGTERM');
    const refused = await host(2).caravela(['daemon', '--advertise', '10.9.9.9']);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/10\.9\.9\.9 is not an address of this host: it has .*10\.81\.9\.22/),
    ]);
    await host(2).ok(['daemon', '--advertise', '10.81.9.22']);
    for (const n of [1, 3]) await until(`host${n} to see host2 where it wants to be`, () => seenAt(n, 'host2', '10.81.9.22'));
  });

  test('is found again by one that is told where it is, when all have other addresses at once', async () => {
    for (const n of [1, 2, 3]) await host(n).killDaemon();
    for (const n of [1, 2, 3]) await readdress(n, `10.81.9.4${n}`);
    await host(1).startDaemon();
    for (const n of [2, 3]) {
      const started = await host(n).caravela(['daemon', '--seeds', '10.81.9.41,10.81.9.99']);
      expect(started).toEqual({
        code: 0,
        stdout: 'the node is up\n',
        stderr: expect.stringMatching(/^warning: no node was reached at 10\.81\.9\.99:8001/),
      });
    }
    for (const asked of [1, 2, 3]) {
      for (const n of [1, 2, 3]) await until(`host${asked} to see host${n}`, () => seenAt(asked, `host${n}`, `10.81.9.4${n}`), 40_000);
    }
    // Agreement has moved with them.
    await until('a majority of the agreement members', async () => (await host(3).caravela(['token', 'create'])).code === 0, 40_000);
  });
});

test('after a reboot without any network, containers that restart are there, and the node serves what it has', async () => {
  const always = await runOn(3, 'always', '--restart', 'always', instance.image, 'sleep', '1000');
  await runOn(3, 'unless', '--restart', 'unless-stopped', instance.image, 'sleep', '1000');
  await runOn(3, 'stopped', '--restart', 'unless-stopped', instance.image, 'sleep', '1000');
  await runOn(3, 'never', instance.image, 'sleep', '1000');
  await host(1).ok(['stop', '-t', '0', 'stopped']);

  // What a reboot takes: processes, control groups, mounts, the run directory.
  await instance.lab.cable(host(3), false);
  await host(3).destroy();
  for (const mount of mountsBelow(host(3).dataDir)) await must(['umount', mount]);
  for (const mount of mountsBelow(host(3).runDir)) await must(['umount', mount]);
  rmSync(host(3).runDir, { recursive: true });
  await inHost(3, 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
  await host(3).startDaemon();

  await until('both to run again', async () => {
    const running = await host(3).ok(['ps', '--format', '{{.Names}}']);
    return running.split('\n').toSorted().join(' ') === 'always unless';
  });
  expect(await host(3).ok(['run', '--rm', '--network', 'none', instance.image, 'echo', 'alone'])).toBe('alone');
  const elsewhere = await host(3).caravela(['logs', 'nowhere']);
  expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringMatching(/host1, host2 did not answer and may have it/) });

  await readdress(3, '10.81.9.34');
  await instance.lab.cable(host(3), true);
  await until('host1 to see host3 again', () => seenAt(1, 'host3', '10.81.9.34'), 60_000);
  expect(await host(1).ok(['ps', '-q', '--no-trunc', '--filter', 'name=always'])).toBe(always);
});

describe('the command line', () => {
  test('--env-file is read by us, not by Node', async () => {
    const file = join(instance.lab.dir, 'some.env');
    writeFileSync(file, '# ours\nA=1\nNODE_OPTIONS=--no-such-option\n');
    const words = ['run', '--rm', '--network', 'none', '--env-file'];
    expect(await host(2).ok([...words, file, instance.image, 'env'])).toMatch(/^A=1\nNODE_OPTIONS=--no-such-option$/m);
    const missing = await host(2).caravela([...words, '/no/such.env', instance.image, 'env']);
    expect(missing).toEqual({ code: 125, stdout: '', stderr: 'caravela: cannot use /no/such.env: no such file\n' });
  });

  test('what cannot be made says so before it is placed', async () => {
    const cwd = await host(2).caravela(['run', '-w', 'here', instance.image, 'pwd']);
    expect(cwd).toMatchObject({ code: 125, stderr: expect.stringMatching(/'here' is invalid.*absolute/) });
    const network = await host(2).caravela(['run', '--network', 'blue', instance.image, 'pwd']);
    expect(network).toMatchObject({ code: 125, stderr: expect.stringMatching(/network blue not found: "network create blue" makes it/) });
  });
});

test('what holds keys is for root alone', () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const { dataDir, socket } = host(1);
  for (const name of ['state.db', 'state.db-wal', 'identity/node.key', 'identity/ca.key', 'daemon.log']) {
    const path = join(dataDir, name);
    if (existsSync(path)) expect([name, modeOf(path)]).toEqual([name, 0o600]);
  }
  expect(modeOf(dataDir)).toBe(0o700);
  expect(modeOf(socket)).toBe(0o660);
  expect(readFileSync(join(dataDir, 'identity/ca.key'), 'utf8')).toMatch(/PRIVATE KEY/);
});

test('an open instance tells both sides what to compare', async () => {
  await host(3).ok(['leave', '--force']);
  await host(2).ok(['leave', '--force']);
  await host(1).ok(['leave', '--force']);
  const made = await host(1).ok(['create', '10.81.9.41', '--open', '--name', 'host1']);
  const digest = /SHA-256:\s+([0-9a-f]{64})/.exec(made)?.[1];
  expect(made).toContain('THIS INSTANCE IS OPEN');
  const itself = await host(2).caravela(['join', '10.81.9.42']);
  expect(itself).toMatchObject({ code: 1, stderr: expect.stringMatching(/10\.81\.9\.42 is this machine itself/) });
  const joined = await host(2).ok(['join', '10.81.9.42', '10.81.9.41']);
  expect(joined).toMatch(new RegExp(`JOINED WITHOUT A TOKEN.*SHA-256:\\s+${digest}`, 's'));
});
