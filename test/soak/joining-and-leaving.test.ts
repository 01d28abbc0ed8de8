/**
 * Nodes join and leave as they like, by whoever is there, down to one and up again, often while agreement is just about
 * to call them or has just let go of another: whoever is left can always agree on something new. SOAK_MINUTES says how
 * long (one, by default, and half a minute more), SOAK_SEED repeats the order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Prng } from '../../src/lib/prng.ts';
import { type LabInstance, startInstance } from '../lab/instance.ts';

const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 1);
const SEED = Number(process.env['SOAK_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000);
/** Several of these may run at a time on one machine. */
const NAME = `aj${process.pid.toString(36)}`;
const HOSTS = [1, 2, 3, 4];

const random = new Prng(SEED);
let instance: LabInstance;
beforeAll(async () => {
  console.log(`seed ${SEED}: repeat with SOAK_SEED=${SEED} SOAK_MINUTES=${MINUTES}`);
  instance = await startInstance({ name: NAME, hosts: HOSTS.length, joining: 3, dir: `/tmp/${NAME}` });
}, 120_000);
afterAll(async () => {
  await instance?.down();
}, 60_000);

const host = (n: number) => instance.lab.host(n);

async function join(n: number, by: number): Promise<void> {
  const { token } = JSON.parse(await host(by).ok(['token', 'create', '--format', 'json'])) as { token: string };
  await host(n).ok(['join', host(n).ip, host(by).ip, '--name', `host${n}`, '--token', token]);
}

test('whoever is left can agree', { timeout: (MINUTES + 2) * 60_000 }, async () => {
  const inside = new Set([1, 2, 3]);
  const done: string[] = [];
  for (const end = performance.now() + MINUTES * 60_000; performance.now() < end; ) {
    const outside = HOSTS.filter((n) => !inside.has(n));
    const isJoining = inside.size === 1 || (outside.length > 0 && random.float() < 0.5);
    const n = random.pick(isJoining ? outside : [...inside])!;
    const others = [...inside].filter((each) => each !== n);
    done.push(`${isJoining ? '+' : '-'}${n}`);
    if (isJoining) {
      await join(n, random.pick(others)!);
      inside.add(n);
    } else {
      await host(n).ok(['leave']);
      inside.delete(n);
      expect(host(n).log(), done.join(' ')).not.toContain('could not be given back');
    }
    const asked = host(random.pick([...inside])!);
    const name = `after-${done.length}`;
    const created = await asked.caravela(['network', 'create', name]);
    expect(created, `${done.join(' ')}, asked ${asked.name}`).toMatchObject({ code: 0 });
    await asked.ok(['network', 'rm', name]);
    await new Promise((resolve) => setTimeout(resolve, random.int(5_000)));
  }
  console.log(`seed ${SEED}: ${done.join(' ')}`);
  expect(done.length).toBeGreaterThan(4 * MINUTES);
});
