/**
 * Three nodes place containers without pause while one of them is killed and started again, over and over.
 * SEED repeats the draws; what the hosts make of them differs each time.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Prng } from '../../src/lib/prng.ts';
import { Accounts } from '../lab/accounts.ts';
import { create, type CreateAnswer } from '../lab/concurrent-creates.ts';
import { allAlive, type LabInstance, startInstance } from '../lab/instance.ts';
import { kernelState } from '../lab/kernel-state.ts';
import { until } from '../lab/shell.ts';
import { UnixClient } from '../lab/unix-client.ts';
import { testSeed } from '../seed.ts';

const MIB = 1024 * 1024;
const SEED = testSeed();
const WORK_MS = 12_000;
/** At a time, on each node. */
const WORKERS = 4;
const VICTIM = 3;
/** For the failure detector, a restart, and holds to run out. */
const SETTLE_MS = 20_000;

let instance: LabInstance;
let clients: readonly UnixClient[];
beforeAll(async () => {
  console.log(`seed ${SEED}: repeat with SEED=${SEED}`);
  instance = await startInstance({
    name: 'crvkill',
    hosts: 3,
    dir: '/tmp/crvkill',
    subnet: '10.78.31',
    extra: () => ['--overcommit', '5'],
  });
  for (const host of instance.lab.hosts) await host.ok(['pull', instance.image]);
  clients = instance.lab.hosts.map((host) => new UnixClient(host.socket, 16));
});
afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await instance?.down();
});
const clientOf = (n: number): UnixClient => clients[n - 1] as UnixClient;

/** What users know: containers that were acknowledged and not removed since, and those that may or may not be there. */
interface Known {
  readonly present: Map<string, string>;
  readonly unsure: Set<string>;
}

test('nothing is oversold, lost or left half-made, and every run gets its answer', { timeout: 120_000 }, async () => {
  const { lab, image } = instance;
  const random = new Prng(SEED);
  const known: Known = { present: new Map(), unsure: new Set() };
  const answers: (CreateAnswer & { readonly on: number })[] = [];
  const accounts = new Accounts(clients.slice(0, 2));
  accounts.watch();
  const end = performance.now() + WORK_MS;
  let kills = 0;

  const kill = async (): Promise<void> => {
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 200 + random.int(2_000)));
      await lab.host(VICTIM).killDaemon();
      kills++;
      await lab.host(VICTIM).startDaemon();
    }
  };
  const place = async (on: number, name: string): Promise<void> => {
    const wish = { image, name, cpuMillicores: 50 * (1 + random.int(4)), memoryBytes: (8 + random.int(24)) * MIB };
    const answer = await create(clientOf(on), wish);
    if (isAway(answer.message)) return new Promise((resolve) => setTimeout(resolve, 50));
    answers.push({ ...answer, on });
    if (answer.id !== undefined) known.present.set(answer.id, name);
    else if (answer.status === 0 || mayExist(answer)) known.unsure.add(name);
  };
  const remove = async (on: number): Promise<void> => {
    const [id, name] = random.pick([...known.present]) ?? [];
    if (id === undefined || name === undefined) return;
    known.present.delete(id);
    known.unsure.add(name);
    const answer = await clientOf(on)
      .call('DELETE', `/containers/${id}?force=1`)
      .catch((error: Error) => error);
    const isDone = !(answer instanceof Error) && answer.status === 204;
    const isUntouched = answer instanceof Error && isAway(answer.message);
    if (isDone || isUntouched) known.unsure.delete(name);
    if (isUntouched) known.present.set(id, name);
  };
  const start = async (on: number): Promise<void> => {
    const [id] = random.pick([...known.present]) ?? [];
    if (id !== undefined)
      await clientOf(on)
        .call('POST', `/containers/${id}/start`)
        .catch(() => undefined);
  };
  const work = async (on: number, worker: number): Promise<void> => {
    for (let n = 0; performance.now() < end; n++) {
      const draw = random.float();
      if (draw < 0.8) await place(on, `c${on}-${worker}-${n}`);
      else if (draw < 0.9) await remove(on);
      else await start(on);
    }
  };
  await Promise.all([kill(), ...[1, 2, 3].flatMap((on) => Array.from({ length: WORKERS }, (_, worker) => work(on, worker)))]);

  const { oversold, looks } = await accounts.stop();
  console.log(
    `${kills} kills; ${tally(answers)}; ${known.present.size} containers should be there, ${known.unsure.size} may be; ${looks} looks`,
  );
  expect(oversold).toEqual([]);
  expect(kills).toBeGreaterThan(2);
  // Only who asked the victim may be left without words; everyone else hears why not.
  for (const { on, status, message } of answers) {
    if (status === 201 || on === VICTIM) continue;
    expect([500, 503], message).toContain(status);
    expect(message).not.toBe('');
  }

  for (const host of lab.hosts) await allAlive(host, 3);
  for (const client of clients) {
    await until(
      'every acknowledged container to be there, once, and no others',
      async () => {
        const rows = await accounts.containers(client);
        const ids = rows.map((row) => row.Id);
        expect(new Set(ids).size, 'a container is on two nodes').toBe(ids.length);
        expect(
          [...known.present.keys()].filter((id) => !ids.includes(id)),
          'lost',
        ).toEqual([]);
        const names = rows.filter((row) => !known.present.has(row.Id)).map((row) => row.Names[0]?.slice(1) ?? '');
        expect(
          names.filter((name) => !known.unsure.has(name)),
          'never acknowledged',
        ).toEqual([]);
        return true;
      },
      SETTLE_MS,
    );
  }
  await until('no hold to be left', () => accounts.balance(), SETTLE_MS);

  const rows = await accounts.containers();
  for (const host of lab.hosts) {
    const here = rows.filter((row) => row.Labels['caravela.node'] === host.name).map((row) => row.Id);
    expect(readdirSync(join(host.dataDir, 'containers')).toSorted()).toEqual(here.toSorted());
  }
  await Promise.all(rows.map((row, i) => clientOf((i % 3) + 1).ok('DELETE', `/containers/${row.Id}?force=1`)));
  for (const host of lab.hosts) {
    await until(`the kernel of ${host.name} to hold nothing of them`, async () => {
      const { mounts, cgroups, processes } = await kernelState(host);
      const conmons = processes.filter((line) => line.includes('conmon'));
      return mounts.length === 0 && cgroups.every((dir) => dir.endsWith('/conmon')) && conmons.length === 0;
    });
  }
  await accounts.balance();
});

/** The launching node died with the question open: its error says that the container may be there. */
const mayExist = ({ message }: CreateAnswer): boolean => message.includes('may exist there');

/** Nobody listens: the request reached no daemon. */
const isAway = (message: string): boolean => /ECONNREFUSED|ENOENT/.test(message);

function tally(answers: readonly CreateAnswer[]): string {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const { status, message } = answer;
    const refused = message.startsWith('no node has') ? 'no room' : message;
    const key = status === 201 ? 'placed' : mayExist(answer) ? 'supplier lost' : refused;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, n]) => `${n} × ${key}`).join('; ');
}
