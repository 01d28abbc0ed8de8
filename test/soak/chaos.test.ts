/**
 * Random work and random faults on real hosts: containers are placed, stopped and removed from every
 * node while daemons are killed and cables pulled. SOAK_MINUTES says how long, SOAK_SEED repeats a run.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Prng } from '../../src/lib/prng.ts';
import { allAlive, type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { kernelState } from '../lab/kernel-state.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { until } from '../lab/shell.ts';

const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 1);
const SEED = Number(process.env['SOAK_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000);
/** How long an acknowledged container may be invisible: the failure detector's and a restart's time. */
const SETTLE_MS = 40_000;

let instance: LabInstance;
beforeAll(async () => {
  console.log(`seed ${SEED}: repeat with SOAK_SEED=${SEED} SOAK_MINUTES=${MINUTES}`);
  instance = await startInstance({ name: 'crvsoak', hosts: 3, dir: '/tmp/crvsoak', subnet: '10.78.8' });
}, 120_000);
afterAll(async () => {
  await instance?.down();
});

/** What was acknowledged to a user and not removed since. Neither may be lost. */
class Ledger {
  readonly present = new Set<string>();
  /** A removal that was asked for and not confirmed: it may be there or not. */
  readonly unsure = new Set<string>();
}

interface Row {
  readonly id: string;
  readonly node: string;
}

async function containersSeenBy(host: LabHost): Promise<readonly Row[]> {
  const text = await host.ok(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Node}}']);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', node = ''] = line.split(' ');
      return { id, node };
    });
}

async function neverOversold(host: LabHost): Promise<void> {
  for (const node of await nodesSeenBy(host)) {
    expect(node.cpus.reserved, `${node.name} holds more CPU than it has`).toBeLessThanOrEqual(node.cpus.capacity);
    expect(node.memory.reserved, `${node.name} holds more memory than it has`).toBeLessThanOrEqual(node.memory.capacity);
  }
}

test('what was acknowledged is never lost, nothing is oversold, nothing stays behind', { timeout: (MINUTES + 5) * 60_000 }, async () => {
  const random = new Prng(SEED);
  const ledger = new Ledger();
  const { lab, image } = instance;
  const anyHost = () => lab.host(1 + random.int(3));
  const counts: Record<string, number> = {};
  const end = performance.now() + MINUTES * 60_000;

  const place = async () => {
    const size = ['--cpus', String([0.1, 0.25, 0.5][random.int(3)]), '--memory', `${[16, 32, 64][random.int(3)]}m`];
    const policy = random.chance(0.5) ? ['--policy', 'spread'] : [];
    const words = random.chance(0.3) ? ['sh', '-c', 'sleep 1; exit 3'] : ['sleep', '1000'];
    const outcome = await anyHost().caravela(['run', '-d', '--network', 'none', ...size, ...policy, image, ...words], {
      timeoutMs: 120_000,
    });
    if (outcome.code === 0) ledger.present.add(outcome.stdout.trim());
    else expect(outcome.stderr, 'a refusal without a reason').not.toBe('');
  };
  const remove = async () => {
    const id = random.pick([...ledger.present]);
    if (id === undefined) return;
    ledger.present.delete(id);
    ledger.unsure.add(id);
    const outcome = await anyHost().caravela(['rm', '-f', id], { timeoutMs: 120_000 });
    if (outcome.code === 0) ledger.unsure.delete(id);
  };
  const stop = async () => {
    const id = random.pick([...ledger.present]);
    if (id !== undefined) await anyHost().caravela(['stop', '-t', '1', id], { timeoutMs: 120_000 });
  };
  const start = async () => {
    const id = random.pick([...ledger.present]);
    if (id !== undefined) await anyHost().caravela(['start', id], { timeoutMs: 120_000 });
  };
  const kill = async () => {
    const host = anyHost();
    await host.killDaemon(random.chance(0.7) ? 'SIGKILL' : 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, random.int(1500)));
    await host.startDaemon();
  };
  const cable = async () => {
    const host = anyHost();
    await lab.cable(host, false);
    await new Promise((resolve) => setTimeout(resolve, 200 + random.int(6000)));
    await lab.cable(host, true);
  };
  const deeds = { place, place2: place, place3: place, remove, remove2: remove, stop, start, kill, cable };

  while (performance.now() < end) {
    // Faults run beside work: two or three deeds at a time, at most one of them a fault.
    const names = Object.keys(deeds) as (keyof typeof deeds)[];
    const work = names.filter((name) => name !== 'kill' && name !== 'cable');
    const now = [random.pick(work), random.pick(work), random.pick(names)].filter((name) => name !== undefined);
    await Promise.all(
      now.map((name) => {
        const kind = name.replace(/\d$/, '');
        counts[kind] = (counts[kind] ?? 0) + 1;
        return deeds[name]();
      }),
    );
    await neverOversold(anyHost());
  }
  console.log(`did ${JSON.stringify(counts)}; ${ledger.present.size} containers should be there`);

  for (const host of lab.hosts) await allAlive(host, 3);
  for (const host of lab.hosts) {
    await until(
      `${host.name} to see every acknowledged container, once`,
      async () => {
        const rows = await containersSeenBy(host);
        const ids = rows.map((row) => row.id);
        expect(new Set(ids).size, 'a container is on two nodes').toBe(ids.length);
        return [...ledger.present].every((id) => ids.includes(id));
      },
      SETTLE_MS,
    );
  }

  const left = (await containersSeenBy(lab.host(1))).map((row) => row.id);
  if (left.length > 0) await lab.host(2).ok(['rm', '-f', ...left], { timeoutMs: 300_000 });
  for (const host of lab.hosts) {
    await until(`the kernel of ${host.name} to hold nothing of them`, async () => {
      const state = await kernelState(host);
      const conmons = state.processes.filter((line) => line.includes('conmon'));
      return state.mounts.length === 0 && state.cgroups.every((dir) => dir.endsWith('/conmon')) && conmons.length === 0;
    });
  }
  for (const node of await nodesSeenBy(lab.host(3)))
    expect(node).toMatchObject({ containers: 0, cpus: { reserved: 0 }, memory: { reserved: 0 } });
});
