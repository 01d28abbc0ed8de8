/**
 * Never two owners of a key, and no stale answer: workers on all members contest keys while members are killed, paused,
 * cut off, moved, replaced and relieved of their leadership. Each node's etcd runs in a network namespace of its own.
 * SOAK_MINUTES says how long (one, by default; half a minute more to begin and to end), SOAK_SEED repeats the faults (not
 * what the kernel makes of them).
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReplicatedStore } from '../../src/agreement/port.ts';
import { Prng } from '../../src/lib/prng.ts';
import { AgreementLab, type AgreementNode, QUICK } from '../lab/agreement-lab.ts';
import { Lab } from '../lab/lab.ts';
import { must, until } from '../lab/shell.ts';

const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 1);
const SEED = Number(process.env['SOAK_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000);
const NODES = 4;
const KEYS = 12;
const WORKERS = 6;

/** Several of these may run at a time on one machine. */
const NAME = `as${process.pid.toString(36)}`;
const net = new Lab({ name: NAME, hosts: NODES, dir: `/tmp/${NAME}` });
const random = new Prng(SEED);
let agreement: AgreementLab;

beforeAll(async () => {
  console.log(`seed ${SEED}: repeat with SOAK_SEED=${SEED} SOAK_MINUTES=${MINUTES}`);
  await net.up();
  agreement = await AgreementLab.create({
    dir: `/tmp/${NAME}/nodes`,
    nodes: NODES,
    tuning: QUICK,
    ipOf: (n) => net.host(n + 1).ip,
    etcdCommandOf: (n) => ['nsenter', `--net=/run/netns/${net.host(n + 1).netns}`, 'etcd'],
  });
  await agreement.up(3);
}, 120_000);
afterAll(async () => {
  await agreement?.down();
  await net.down();
}, 60_000);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const counts: Record<string, number> = {};
const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);

/** Who, by what the store acknowledged and nothing else, owns each key now; and since which change of mind. */
const owners = new Map<string, { readonly value: string }>();

function anyStore(): ReplicatedStore | undefined {
  return random.pick(agreement.nodes.flatMap(({ isOn, host }) => (isOn && host.store !== undefined ? [host.store] : [])));
}

/** A read that is answered, by whichever member answers. */
async function read(key: string): Promise<{ readonly value: string; readonly modRevision: number } | undefined> {
  for (;;) {
    const answer = await anyStore()
      ?.get(key)
      .catch(() => undefined);
    if (answer !== undefined) return answer.value;
    await sleep(50);
  }
}

function own(key: string, value: string): void {
  expect(owners.get(key), `${key} has two owners: the one here, and ${value}`).toBeUndefined();
  owners.set(key, { value });
}

async function acquire(worker: number, turn: number, key: string): Promise<void> {
  const value = `${worker}.${turn}`;
  const store = anyStore();
  if (store === undefined) return;
  const outcome = await store.transact({ when: [{ key, is: 'absent' }], then: [{ put: key, value }] }).catch(() => undefined);
  if (outcome?.committed === true) own(key, value);
  else if (outcome === undefined && (await read(key))?.value === value) own(key, value);
  count(outcome === undefined ? 'unanswered' : outcome.committed ? 'acquired' : 'refused');
}

/** Until it is gone. A write whose fate was never told, and that came about after all, is cleared away by its worker, too. */
async function release(worker: number, key: string): Promise<void> {
  for (;;) {
    const entry = await read(key);
    if (entry === undefined || !entry.value.startsWith(`${worker}.`)) return;
    if (owners.get(key)?.value === entry.value) owners.delete(key);
    await anyStore()
      ?.transact({ when: [{ key, is: 'at', modRevision: entry.modRevision }], then: [{ remove: key }] })
      .catch(() => undefined);
  }
}

/** What is owned before and after a read is what the read sees, whoever is asked. */
async function check(key: string): Promise<void> {
  const before = owners.get(key);
  const answer = await anyStore()
    ?.get(key)
    .catch(() => undefined);
  if (answer === undefined || before === undefined || owners.get(key) !== before) return;
  expect(answer.value?.value, `${key}: a read after the acknowledgement does not see it`).toBe(before.value);
  count('checked');
}

async function work(worker: number, end: number): Promise<void> {
  for (let turn = 0; performance.now() < end; turn++) {
    const key = `owner/${random.int(KEYS)}`;
    const chance = random.float();
    if (chance < 0.4) await acquire(worker, turn, key);
    else if (chance < 0.7) await release(worker, key);
    else await check(key);
    await sleep(random.int(20));
  }
}

const signal = (node: AgreementNode, name: NodeJS.Signals) => {
  const pid = node.etcdPid();
  if (pid !== undefined) process.kill(pid, name);
};

const faults: Readonly<Record<string, (node: AgreementNode) => Promise<void>>> = {
  async kill(node) {
    signal(node, 'SIGKILL');
  },
  async 'kill two'(node) {
    signal(node, 'SIGKILL');
    const other = random.pick(agreement.nodes.filter((each) => each !== node));
    if (other !== undefined) signal(other, 'SIGKILL');
  },
  async pause(node) {
    const pid = node.etcdPid();
    if (pid === undefined) return;
    process.kill(pid, 'SIGSTOP');
    await sleep(500 + random.int(3_000));
    process.kill(pid, 'SIGCONT');
  },
  async 'cut off'(node) {
    node.isCutOff = true;
    await net.cable(net.host(node.n + 1), false);
    await sleep(500 + random.int(4_000));
    await net.cable(net.host(node.n + 1), true);
    node.isCutOff = false;
  },
  async restart(node) {
    await node.off();
    await sleep(random.int(1_000));
    node.on();
  },
  async move(node) {
    const host = net.host(node.n + 1);
    const ip = `${net.subnet}.${random.int(50) * NODES + node.n + 20}`;
    await node.off();
    await must(['ip', '-n', host.netns, 'addr', 'flush', 'dev', 'eth0', 'scope', 'global']);
    await must(['ip', '-n', host.netns, 'addr', 'add', `${ip}/24`, 'dev', 'eth0']);
    node.ip = ip;
    node.on();
  },
  async 'gone for long'(node) {
    await node.off();
    await sleep(QUICK.replaceAfterMs + 3_000);
    node.on();
  },
  async 'hand over'(node) {
    if (node.host.isMember) count(`hand over: ${await node.host.handOver()}`);
  },
};

test('no key has two owners, and no read is stale', { timeout: (MINUTES + 4) * 60_000 }, async () => {
  const end = performance.now() + MINUTES * 60_000;
  const workers = Array.from({ length: WORKERS }, (_, worker) => work(worker, end));
  // A worker that finds a fault ends the test at once.
  const failed = Promise.all(workers).then(() => undefined);
  const disturb = async (): Promise<void> => {
    while (performance.now() < end) {
      await sleep(300 + random.int(2_500));
      const [name, fault] = random.pick(Object.entries(faults))!;
      count(name);
      await fault(random.pick(agreement.nodes)!);
    }
  };
  await Promise.all([failed, disturb()]);

  await agreement.untilMembers(3, 90_000);
  await until('every member to answer', async () => {
    for (const { host } of agreement.nodes) await host.store?.range('owner/');
    return true;
  });
  for (const { host } of agreement.nodes) {
    const held = new Map((await host.store?.range('owner/'))?.value.map(({ key, value }) => [key, value]) ?? []);
    if (host.store !== undefined) for (const [key, { value }] of owners) expect(held.get(key), key).toBe(value);
  }
  console.log(`seed ${SEED}: ${JSON.stringify(counts)}`);
  expect(counts['acquired']).toBeGreaterThan(MINUTES * 100);
  expect(counts['checked']).toBeGreaterThan(MINUTES * 100);
});
