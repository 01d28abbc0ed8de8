import type { ContainerInspect, ContainerSummary, NetworkRow } from '../../../src/docker-api/types.ts';
import { until } from '../shell.ts';
import type { Calls } from './calls.ts';
import type { Journal } from './journal.ts';
import { type Box, DEFAULT_NET, type World } from './world.ts';

/** How long an acknowledged thing may be invisible after the last fault: the failure detector's and a restart's time. */
const SETTLE_MS = 30_000;

/** Once all is calm: what was acknowledged is there, what is not is not, and what nobody knows is found out. */
export async function reconcile(world: World, daemons: readonly Calls[], journal: Journal): Promise<void> {
  const [first] = daemons;
  if (first === undefined) return;
  await sameEverywhere('containers', daemons, async (daemon) => {
    const rows = await daemon.must<readonly ContainerSummary[]>('GET', '/containers/json?all=1');
    const ids = rows.map(({ Id, State }) => `${Id} ${State}`).toSorted();
    const expected = [...world.boxes].filter(({ state }) => state !== 'unsure');
    for (const { name, id } of expected)
      if (!rows.some((row) => row.Id === id)) throw new Error(`${name} (${id}) is not in the list of ${daemon.host.name}`);
    return ids.join('\n');
  });
  await sameEverywhere('networks', daemons, async (daemon) => {
    const rows = await daemon.must<readonly NetworkRow[]>('GET', '/networks');
    return rows
      .map(({ Id, Name }) => `${Name} ${Id}`)
      .toSorted()
      .join('\n');
  });
  await reconcileNets(world, first, journal);
  await reconcileBoxes(world, first, journal);
}

async function sameEverywhere(what: string, daemons: readonly Calls[], read: (daemon: Calls) => Promise<string>): Promise<void> {
  await until(
    `all nodes to list the same ${what}`,
    async () => {
      const lists = await Promise.all(daemons.map(read));
      if (new Set(lists).size > 1)
        throw new Error(`they differ:\n${lists.map((list, i) => `${daemons[i]?.host.name}:\n${list}`).join('\n')}`);
      return true;
    },
    SETTLE_MS,
  );
}

async function reconcileNets(world: World, daemon: Calls, journal: Journal): Promise<void> {
  const rows = await daemon.must<readonly NetworkRow[]>('GET', '/networks');
  world.defaultNetId = rows.find(({ Name }) => Name === DEFAULT_NET)?.Id ?? '';
  const ours = rows.filter(({ Name }) => Name.startsWith('net'));
  for (const net of world.nets.slice()) {
    const row = ours.find(({ Name }) => Name === net.name);
    if (net.state === 'there' && row?.Id !== net.id)
      journal.fault(`network ${net.name} ${net.id} was acknowledged, and is ${row?.Id ?? 'not there'}`, [net.name, net.id]);
    if (row === undefined) world.forgetNet(net);
    else if (net.state === 'unsure') Object.assign(net, { id: row.Id, state: 'there' });
  }
  for (const { Name, Id } of ours)
    if (!world.nets.some(({ name }) => name === Name))
      journal.fault(`network ${Name} ${Id} is there, and was removed or never made`, [Name, Id]);
}

async function reconcileBoxes(world: World, daemon: Calls, journal: Journal): Promise<void> {
  const rows = await daemon.must<readonly ContainerSummary[]>('GET', '/containers/json?all=1');
  for (const box of world.boxes) {
    const row = rows.find(({ Id, Names }) => (box.id === '' ? Names.includes(`/${box.name}`) : Id === box.id));
    if (row === undefined) {
      // Only what is unsure: the rest was found on all nodes just now.
      world.gone(box);
      continue;
    }
    const seen = await daemon.must<ContainerInspect>('GET', `/containers/${row.Id}/json`);
    if (box.state !== 'unsure') checkBox(box, seen, journal);
    adopt(box, seen);
  }
  const known = new Set([...world.boxes].map(({ id }) => id));
  for (const { Id, Names } of rows)
    if (!known.has(Id))
      journal.fault(`container ${Names.join()} ${Id} is there, and was removed or never made`, [Id, ...Names.map((name) => name.slice(1))]);
}

/** At one of which it was not known what became of it, and may become still. @throws Error where nobody tells */
export async function lookAgain(world: World, box: Box, daemon: Calls): Promise<void> {
  const ended = await daemon.call('GET', `/containers/${box.id}/json`);
  if (ended.kind === 'done') adopt(box, JSON.parse(ended.body) as ContainerInspect);
  else if (ended.kind === 'refused' && ended.status === 404) world.gone(box);
  else throw new Error(`${box.name} (${box.id}): ${JSON.stringify(ended)}`);
}

function checkBox(box: Box, seen: ContainerInspect, journal: Journal): void {
  const about = [box.name, box.id, ...[...box.nets.values()].map(({ address }) => address)];
  const status = seen.State.Status;
  if (box.state === 'running' && status !== 'running')
    journal.fault(`${box.name} was acknowledged to run, and is ${status}: ${seen.State.Error}`, about);
  if (box.state === 'stopped' && status === 'running') journal.fault(`${box.name} was acknowledged to be stopped, and runs`, about);
  const was = networksInWords([...box.nets].map(([net, { address }]) => [net, box.state === 'running' ? address : '']));
  // What had none yet may have got one.
  const now = networksOf(seen).map(([net, { IPAddress }]) => [net, box.nets.get(net)?.address === '' ? '' : IPAddress] as const);
  const is = networksInWords(now);
  if (was !== is) journal.fault(`${box.name} was acknowledged with the networks ${was}, and has ${is}`, about);
}

/** Docker tells of one that is on none as on the network `none`. */
const networksOf = (seen: ContainerInspect) => Object.entries(seen.NetworkSettings.Networks).filter(([net]) => net !== 'none');

const networksInWords = (networks: readonly (readonly [string, string])[]): string =>
  networks
    .map(([net, address]) => `${net} ${address === '' ? 'without an address' : address}`)
    .toSorted()
    .join(', ') || 'none';

function adopt(box: Box, seen: ContainerInspect): void {
  const wasUnsure = box.state === 'unsure';
  box.id = seen.Id;
  box.state = seen.State.Status === 'running' ? 'running' : 'stopped';
  const before = new Map(box.nets);
  box.nets.clear();
  for (const [net, { IPAddress, Aliases, IPAMConfig }] of networksOf(seen)) {
    const asked = IPAMConfig?.IPv4Address ?? '';
    box.nets.set(net, {
      address: IPAddress,
      asked,
      aliases: before.get(net)?.aliases ?? (Aliases ?? []).filter((alias) => alias.startsWith('also-')),
    });
  }
  if (!wasUnsure) return;
  // By which network its port leads to it is not told: the next start says.
  box.openOn = undefined;
}
