/**
 * Networks held against everything at once: containers come, go, move, join and leave networks from every node, while
 * daemons and agreement members are killed, cables pulled and kernels harmed. Each packet says who sent it and for whom;
 * none may reach a wrong container. SOAK_OPERATIONS says how many, SOAK_SEED repeats the choices.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Prng } from '../../src/lib/prng.ts';
import { type LabInstance, startInstance } from '../lab/instance.ts';
import { Calls } from '../lab/network-chaos/calls.ts';
import { Deeds } from '../lab/network-chaos/deeds.ts';
import { Faults } from '../lab/network-chaos/faults.ts';
import { Journal } from '../lab/network-chaos/journal.ts';
import { checkQuiet } from '../lab/network-chaos/quiet.ts';
import { World } from '../lab/network-chaos/world.ts';
import { ProbeProcess } from '../lab/packets/probe-process.ts';

const OPERATIONS = Number(process.env['SOAK_OPERATIONS'] ?? 2_000);
const SEED = Number(process.env['SOAK_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000);
/** Where all that happened is written at the end. */
const JOURNAL = process.env['SOAK_JOURNAL'];
const HOSTS = 4;
const WORKERS = 8;
/** Between two times of quiet. */
const ROUND = 250;

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
  const faults = new Faults(instance.lab, new Prng(SEED + 1), journal);
  const began = performance.now();
  while (deeds.done < OPERATIONS) {
    const goal = Math.min(OPERATIONS, deeds.done + ROUND);
    faults.begin();
    const work = async () => {
      while (deeds.done < goal && journal.wrong.length === 0) await deeds.any();
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    await faults.end();
    const said = await checkQuiet({ world, journal, daemons, probe, deeds }).catch((error: Error) => {
      journal.fault(error.message, []);
      return 'failed';
    });
    console.log(`${Math.round((performance.now() - began) / 1000)} s: ${deeds.done} operations; ${said}`);
    if (journal.wrong.length > 0) break;
  }
  console.log(inRows(deeds.counts), '\n', inRows(deeds.reasons), '\n', inRows(faults.counts));
  console.log(JSON.stringify(await probe.end()));
  if (JOURNAL !== undefined) writeFileSync(JOURNAL, journal.text());
  expect(journal.wrong.length, journal.drawn()).toBe(0);
});

const inRows = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .toSorted()
    .map(([what, n]) => `${String(n).padStart(6)}  ${what}`)
    .join('\n');
