import type { NodeRow } from '../../../src/docker-api/caravela-types.ts';
import type { Found, Names } from '../packets/protocol.ts';
import type { ProbeProcess } from '../packets/probe-process.ts';
import { until } from '../shell.ts';
import type { Calls } from './calls.ts';
import type { Deeds } from './deeds.ts';
import type { Journal } from './journal.ts';
import { lookAgain, reconcile } from './reconcile.ts';
import { type Box, DEFAULT_NET, type World } from './world.ts';

const ALIVE_MS = 30_000;
/** What was asked and not answered may still come about: it waits for agreement, or for what a cut connection sends again. */
const LATE_MS = 5_000;
/** Within which everybody is to be reached once nothing happens any more. */
const REACHED_MS = 10_000;
/** What a node had registered, and what ended while its daemon was dead, owners of names drop when it has had the time to come back. */
const NAMED_MS = 65_000;

export interface QuietParts {
  readonly world: World;
  readonly journal: Journal;
  readonly daemons: readonly Calls[];
  readonly probe: ProbeProcess;
  readonly deeds: Deeds;
}

/** While nobody does anything: all is as it was acknowledged, and everybody reaches everybody. Returns figures in words. */
export async function checkQuiet({ world, journal, daemons, probe, deeds }: QuietParts): Promise<string> {
  journal.note('it is quiet now', ['all']);
  for (const daemon of daemons) await allAlive(daemon, daemons.length);
  const unsure = [...world.boxes].filter(({ state }) => state === 'unsure');
  if (unsure.length > 0) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  await reconcile(world, daemons, journal);
  await deeds.publish();
  const isSettled = async (): Promise<true> => {
    await settle(world, daemons, unsure);
    return sameAsKernel(world, probe);
  };
  await until('the kernels to have what was acknowledged', isSettled, REACHED_MS).catch((error: Error) =>
    journal.fault(error.message, [error.message.match(/(?<=\()[0-9a-f]{64}(?=\))/)?.[0] ?? '']),
  );
  const found = {
    mesh: await probe.mesh(REACHED_MS),
    names: await probe.names(namesOf(world), NAMED_MS),
    doors: await probe.doors(REACHED_MS),
  };
  for (const { wrong } of Object.values(found)) for (const { words, about } of wrong) journal.fault(words, about);
  return `${world.boxes.size} containers, ${world.nets.length} networks; ${Object.entries(found)
    .map(([what, each]) => inFigures(what, each))
    .join(', ')}`;
}

const inFigures = (what: string, { asked, tookMs, wrong }: Found): string =>
  `${what} ${asked - wrong.length}/${asked} in ${Math.round(tookMs)} ms`;

async function allAlive(daemon: Calls, count: number): Promise<void> {
  await until(
    `${daemon.host.name} to see ${count} alive nodes`,
    async () => {
      const rows = await daemon.must<readonly NodeRow[]>('GET', '/caravela/v1/nodes');
      return rows.filter(({ state }) => state === 'alive').length === count;
    },
    ALIVE_MS,
  );
}

async function settle(world: World, [first]: readonly Calls[], unsure: readonly Box[]): Promise<void> {
  if (first !== undefined) for (const box of unsure) if (box.state !== 'gone') await lookAgain(world, box, first);
}

/** @throws Error with the first difference */
async function sameAsKernel(world: World, probe: ProbeProcess): Promise<true> {
  const seen = new Set((await probe.endpoints()).map(({ container, address }) => `${container} ${address}`));
  for (const { name, id, nets, state } of world.boxes) {
    for (const [net, { address }] of nets) {
      // Without one: a connect was broken off, and what it asked for is another's.
      if (state !== 'running' || address === '' || seen.delete(`${id} ${address}`)) continue;
      throw new Error(`${name} (${id}) has ${address} of ${net}, and no kernel has that`);
    }
  }
  const [left] = seen;
  if (left !== undefined)
    throw new Error(`a kernel has container (${left.split(' ')[0]}) at ${left.split(' ')[1]}, which nobody acknowledged`);
  return true;
}

/** Who is called how on each network; and who is not any more. */
function namesOf(world: World): readonly Names[] {
  const names = new Set([...world.boxes].map(({ name }) => name));
  const unknown = [...new Set(world.goneNames)].filter((name) => !names.has(name)).slice(-4);
  const networks = [...world.nets.map(({ name, id }) => ({ name, id })), { name: DEFAULT_NET, id: world.defaultNetId }];
  return networks.map(({ name: net, id }) => {
    const known: Record<string, string> = {};
    for (const box of world.boxes) {
      const place = box.nets.get(net);
      if (box.state !== 'running' || place === undefined || place.address === '') continue;
      for (const word of [box.name, box.id.slice(0, 12), ...place.aliases]) known[word] = place.address;
    }
    return { network: id, gateway: world.gatewayOf(net), known, unknown };
  });
}
