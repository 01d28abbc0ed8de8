/**
 * Networks held against everything at once: containers come, go, move, join and leave networks from every node, while
 * daemons and agreement members are killed, cables pulled and kernels harmed. Each packet says who sent it and for whom;
 * none may reach a wrong container. SOAK_OPERATIONS says how many, SOAK_SEED repeats the choices.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NetworkRow } from '../../src/docker-api/types.ts';
import { Prng } from '../../src/lib/prng.ts';
import { type LabInstance, startInstance } from '../lab/instance.ts';
import { Calls } from '../lab/network-chaos/calls.ts';
import { Deeds } from '../lab/network-chaos/deeds.ts';
import { Faults } from '../lab/network-chaos/faults.ts';
import { Journal } from '../lab/network-chaos/journal.ts';
import { differences, having } from '../lab/network-chaos/leftovers.ts';
import { checkQuiet } from '../lab/network-chaos/quiet.ts';
import { World } from '../lab/network-chaos/world.ts';
import { ProbeProcess } from '../lab/packets/probe-process.ts';
import { until } from '../lab/shell.ts';

const OPERATIONS = Number(process.env['SOAK_OPERATIONS'] ?? 3_000);
const SEED = Number(process.env['SOAK_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000);
/** Within which nothing is left of what was removed: a sweep is each minute, and looks after what is half a minute old. */
const LEFT_MS = 110_000;
/** Where all that happened is written at the end. */
const JOURNAL = process.env['SOAK_JOURNAL'];
const HOSTS = 4;
const WORKERS = 8;
/** Between two times of quiet. */
const ROUND = 250;
/** At the longest; a tenth of it is usual. */
const ROUND_MS = 240_000;

const journal = new Journal();
let instance: LabInstance;
let daemons: readonly Calls[] = [];
let probe: ProbeProcess;

beforeAll(async () => {
  console.log(`seed ${SEED}: repeat with SOAK_SEED=${SEED} SOAK_OPERATIONS=${OPERATIONS}`);
  instance = await startInstance({ name: 'crvpkt', hosts: HOSTS, dir: '/tmp/crvpkt', subnet: '10.78.44' });
  daemons = instance.lab.hosts.map((host) => new Calls(host));
  // Each has the image: a start is then no matter of the registry.
  for (const { host } of daemons) await host.ok(['pull', instance.image]);
  probe = await ProbeProcess.start(instance.lab, {
    event: (words, about) => journal.note(words, about),
    wrong: (words, about) => journal.fault(words, about),
  });
}, 180_000);
afterAll(async () => {
  probe?.close();
  for (const daemon of daemons) daemon.close();
  await instance?.down();
}, 60_000);

test('no packet reaches a wrong container, and nothing is left', { timeout: 3_600_000 }, async () => {
  const random = new Prng(SEED);
  const world = new World(random);
  const deeds = new Deeds({ world, journal, daemons, probe, image: instance.image });
  const faults = new Faults(instance.lab, new Prng(SEED + 1), journal, (host) => deeds.victim(host));
  const network = await defaultNetwork();
  const before = await having(instance.lab, network);
  const began = performance.now();
  while (deeds.done < OPERATIONS) {
    const goal = Math.min(OPERATIONS, deeds.done + ROUND);
    faults.begin();
    const lateMs = performance.now() + ROUND_MS;
    const work = async () => {
      while (deeds.done < goal && journal.wrong.length === 0 && performance.now() < lateMs) {
        await deeds.any();
        // Some ask nobody: there was nothing to do it with.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    if (performance.now() > lateMs) journal.fault(`${deeds.done} operations were done, and no more in time`, []);
    await faults.end();
    const said = await checkQuiet({ world, journal, daemons, probe, deeds }).catch((error: Error) => {
      journal.fault(error.message, []);
      return 'failed';
    });
    console.log(`${Math.round((performance.now() - began) / 1000)} s: ${deeds.done} operations; ${said}`);
    if (journal.wrong.length > 0) break;
  }
  if (journal.wrong.length === 0) {
    await deeds.removeAll();
    const removedMs = performance.now();
    let last: readonly string[] = [];
    await until(
      'all to be as before',
      async () => {
        const left = differences(before, await having(instance.lab, network));
        if (left.length > 0) last = left;
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      },
      LEFT_MS,
    ).catch((error: Error) => journal.fault(error.message, []));
    console.log(
      `all is as before ${Math.round((performance.now() - removedMs) / 1000)} s after the last removal; the last to go: ${last.join('; ')}`,
    );
  }
  console.log(inRows(deeds.counts), '\n', inRows(deeds.reasons), '\n', inRows(faults.counts));
  console.log(JSON.stringify(await probe.end()));
  if (JOURNAL !== undefined) writeFileSync(JOURNAL, journal.text());
  expect(journal.wrong.length, journal.drawn()).toBe(0);
});

async function defaultNetwork(): Promise<{ readonly id: string; readonly subnet: string }> {
  const row = await daemons[0]?.must<NetworkRow>('GET', '/networks/caravela');
  return { id: row?.Id ?? '', subnet: row?.IPAM.Config[0]?.Subnet ?? '' };
}

const inRows = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([what, n]) => `${String(n).padStart(6)}  ${what}`)
    .join('\n');
