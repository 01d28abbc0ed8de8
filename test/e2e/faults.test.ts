/** What goes wrong: daemons killed, cables pulled, disks full, everybody at once. */
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allAlive, type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { kernelState } from '../lab/kernel-state.ts';
import { must, until } from '../lab/shell.ts';

const MIB = 1024 * 1024;
let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: 'crvfault', hosts: 3, dir: '/tmp/crvfault', subnet: '10.78.2' });
});
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);
const sleeper = (n: number, name: string, on: number, ...more: string[]) =>
  host(n).ok(['run', '-d', '--name', name, '--memory', '16m', '--constraint', `node==host${on}`, ...more, instance.image, 'sleep', '1000']);

async function stateOf(n: number, name: string): Promise<{ Status: string; Pid: number; ExitCode: number }> {
  const [inspected] = JSON.parse(await host(n).ok(['inspect', name])) as { State: { Status: string; Pid: number; ExitCode: number } }[];
  if (inspected === undefined) throw new Error(`inspect ${name} answered nothing`);
  return inspected.State;
}

describe('kill -9 of a daemon', () => {
  test('leaves its containers running; after a start they are found and counted', async () => {
    await sleeper(1, 'survivor', 2);
    const before = await stateOf(1, 'survivor');
    await host(2).killDaemon();
    process.kill(before.Pid, 0);
    await host(2).startDaemon();
    await allAlive(host(1), 3);
    const after = await stateOf(1, 'survivor');
    expect(after).toMatchObject({ Status: 'running', Pid: before.Pid });
    const row = (await nodesSeenBy(host(3))).find((node) => node.name === 'host2');
    expect(row?.memory.reserved).toBe(16 * MIB);
    await host(3).ok(['rm', '-f', 'survivor']);
  });

  test('an exit while it is away is seen afterwards, with its code and its last words', async () => {
    await host(1).ok([
      'run',
      '-d',
      '--name',
      'brief',
      '--constraint',
      'node==host2',
      instance.image,
      'sh',
      '-c',
      'sleep 1; echo last words; exit 9',
    ]);
    await host(2).killDaemon();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await host(2).startDaemon();
    await allAlive(host(1), 3);
    await until('the exit to be seen', async () => (await stateOf(1, 'brief')).Status === 'exited');
    expect((await stateOf(1, 'brief')).ExitCode).toBe(9);
    expect(await host(3).ok(['logs', 'brief'])).toBe('last words');
    await host(1).ok(['rm', 'brief']);
  });

  test('while containers are being made leaves nothing half-made', async () => {
    for (let round = 0; round < 4; round++) {
      const runs = Array.from({ length: 4 }, (_, i) =>
        host(1).caravela(
          ['run', '-d', '--name', `k${round}-${i}`, '--memory', '16m', '--constraint', 'node==host3', instance.image, 'sleep', '1000'],
          { timeoutMs: 90_000 },
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 60 + round * 90));
      await host(3).killDaemon();
      await host(3).startDaemon();
      await Promise.all(runs);
      await allAlive(host(1), 3);
    }
    const ids = (await host(1).ok(['ps', '-aq', '--no-trunc'])).split('\n').filter((id) => id !== '');
    for (const id of ids) await host(1).ok(['rm', '-f', id]);
    await until('the kernel to hold nothing of them', async () => {
      const kernel = await kernelState(host(3));
      const conmons = kernel.processes.filter((line) => line.includes('conmon'));
      // The group of the conmons stays as long as the node.
      const groups = kernel.cgroups.filter((dir) => !dir.endsWith('/conmon'));
      return kernel.mounts.length === 0 && groups.length === 0 && conmons.length === 0;
    });
    const row = (await nodesSeenBy(host(1))).find((node) => node.name === 'host3');
    expect(row).toMatchObject({ containers: 0, memory: { reserved: 0 }, cpus: { reserved: 0 } });
  });
});

describe('three nodes submitting at once', () => {
  test('until nothing fits: never oversold, and every refusal explains itself', async () => {
    const cpus = (await nodesSeenBy(host(1)))[0]?.cpus ?? { capacity: 0 };
    const each = 0.5;
    const room = 3 * Math.floor(cpus.capacity / (each * 1000));
    const runs = await Promise.all(
      Array.from({ length: room + 6 }, (_, i) =>
        host((i % 3) + 1).caravela(['run', '-d', '--cpus', String(each), '--memory', '16m', instance.image, 'sleep', '1000'], {
          timeoutMs: 120_000,
        }),
      ),
    );
    const placed = runs.filter((run) => run.code === 0);
    const refused = runs.filter((run) => run.code !== 0);
    expect(placed.length).toBe(room);
    expect(refused.map((run) => run.code)).toEqual(Array.from({ length: 6 }, () => 125));
    for (const run of refused) expect(run.stderr).toMatch(/no node has 0\.5 CPUs? and 16 MiB free: of 3 nodes 3 lack CPU/);
    for (const node of await nodesSeenBy(host(2))) {
      expect(node.cpus.reserved).toBe(node.cpus.capacity);
    }
    const ids = placed.map((run) => run.stdout.trim());
    await host(3).ok(['rm', '-f', ...ids], { timeoutMs: 120_000 });
    for (const node of await nodesSeenBy(host(2))) expect(node.cpus.reserved).toBe(0);
  });
});

describe('a pulled cable', () => {
  test('stops nothing, is told, and heals', async () => {
    await sleeper(1, 'far', 3);
    const { Pid } = await stateOf(1, 'far');
    await instance.lab.cable(host(3), false);
    await until(
      'host1 to hold host3 for dead',
      async () => (await nodesSeenBy(host(1))).find((n) => n.name === 'host3')?.state === 'dead',
      30_000,
    );

    const listed = await host(1).caravela(['ps', '--format', '{{.Names}}']);
    expect(listed.stderr).toContain('host3');
    const asked = await host(1).caravela(['inspect', 'far']);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain('host3');
    expect(asked.stderr).not.toMatch(/no such container/i);
    // Both sides go on: the majority places, the lonely node keeps and stops its own.
    await sleeper(2, 'near', 1);
    process.kill(Pid, 0);
    expect(await host(3).ok(['ps', '--format', '{{.Names}}'])).toBe('far');
    await sleeper(3, 'alone', 3);

    await instance.lab.cable(host(3), true);
    for (const n of [1, 2, 3]) await allAlive(host(n), 3);
    // Gossip is there first; a stream that was cut is made anew when it is needed.
    await until('host1 to reach host3', async () => (await host(1).caravela(['inspect', 'far'])).code === 0, 10_000);
    expect((await stateOf(1, 'far')).Pid).toBe(Pid);
    expect((await host(2).ok(['ps', '--format', '{{.Names}}'])).split('\n').toSorted()).toEqual(['alone', 'far', 'near']);
    await host(2).ok(['rm', '-f', 'alone', 'far', 'near']);
  });
});

describe('a full disk', () => {
  test('refuses with the reason, keeps what runs, and goes on when there is space', async () => {
    await sleeper(1, 'kept', 2);
    // A fresh host on a disk of 320 MiB, 128 of them agreement's log, filled by a file.
    const dir = '/tmp/crvfull';
    mkdirSync(dir, { recursive: true });
    await must(['mount', '-t', 'tmpfs', '-o', 'size=320m', 'tmpfs', dir]);
    const small = await startInstance({ name: 'crvfull', hosts: 1, dir: '/tmp/crvfull-lab', subnet: '10.78.3', dataRoot: dir });
    try {
      const one = small.lab.host(1);
      await one.ok(['run', '-d', '--name', 'first', small.image, 'sleep', '1000']);
      await must(['sh', '-c', `dd if=/dev/zero of=${dir}/filler bs=64k 2>/dev/null; true`]);
      const outcome = await one.caravela(['run', '-d', '--name', 'second', small.image, 'sleep', '1000']);
      expect(outcome.code).toBe(125);
      expect(outcome.stderr).toMatch(/space|full/i);
      expect(await one.ok(['ps', '-a', '--format', '{{.Names}} {{.State}}'])).toBe('first running');
      await must(['rm', `${dir}/filler`]);
      await one.ok(['run', '-d', '--name', 'third', small.image, 'sleep', '1000']);
      await until('something to be agreed', async () => (await one.caravela(['network', 'create', 'later'])).code === 0);
    } finally {
      await small.down();
      await must(['umount', '-l', dir]);
    }
    await host(1).ok(['rm', '-f', 'kept']);
  });
});

describe('leave', () => {
  test('with containers wants --force; then nothing is left in the kernel or on the disk', async () => {
    await sleeper(1, 'last', 3);
    const refused = await host(3).caravela(['leave']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/last|--force/);
    await host(3).ok(['leave', '--force']);
    await until('host1 to know that it left', async () => (await nodesSeenBy(host(1))).find((n) => n.name === 'host3')?.state !== 'alive');
    const kernel = await kernelState(host(3));
    expect(kernel).toMatchObject({ mounts: [], cgroups: [], processes: [], nftables: '' });
    expect(kernel.links).toEqual(['eth0', 'lo']);
    const again = await host(3).caravela(['ps']);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toMatch(/cannot reach the daemon/);
  });
});
