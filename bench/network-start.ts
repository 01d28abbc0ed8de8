/**
 * What a network adds to the start of a container, and how soon a new network serves everywhere.
 *
 *   node bench/network-start.ts [runs]
 *
 * Three nodes. Each side is a start on the node that is asked, image present, from the API request to the answer of
 * `start`: without a network, on the default network, and with a published port. Then new networks: made on one node,
 * known on the others, and a container on each of the three, from their starts to the first ping between each two.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startInstance } from '../test/lab/instance.ts';
import type { LabHost } from '../test/lab/lab-host.ts';
import { shell, until } from '../test/lab/shell.ts';
import { UnixClient } from '../test/lab/unix-client.ts';
import { DebugLog } from './lib/debug-log.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { Samples } from './lib/samples.ts';
import { table } from './lib/stats.ts';

const RUNS = Number(process.argv[2] ?? 30);
const NEW_NETWORKS = 10;
const POLL_MS = 5;
/** Fill caches and compile caches; not counted. */
const WARM_UP_ROUNDS = 3;
/** The kernel takes network namespaces apart in the background, under locks that the next start needs. */
const SETTLE_MS = 400;
const DIR = '/tmp/crvbns';
const SIDES = ['none', 'network', 'port'] as const;
type Side = (typeof SIDES)[number];
const LABELS: Record<Side, string> = { none: '--network none', network: 'default network', port: 'default network, -p' };
/** Medians over `--network none`, ms: what we promise ourselves. */
const TARGETS = { network: 10, port: 35 };

const samples = new Samples();
const config = join(DIR, 'config.toml');
mkdirSync(DIR, { recursive: true });
writeFileSync(config, '[log]\nlevel = "debug"\n');
const instance = await startInstance({
  name: 'crvbns',
  hosts: 3,
  dir: join(DIR, 'lab'),
  subnet: '10.79.7',
  extra: () => ['--config', config],
});
let markdown: string;
const clients = instance.lab.hosts.map((host) => new UnixClient(host.socket));
try {
  for (const host of instance.lab.hosts) await host.ok(['pull', instance.image]);
  for (let round = -WARM_UP_ROUNDS; round < RUNS; round++) {
    if (round === 0) samples.clear();
    for (let i = 0; i < SIDES.length; i++) {
      await start(SIDES[(i + round + SIDES.length * WARM_UP_ROUNDS) % SIDES.length] as Side, round + WARM_UP_ROUNDS);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }
  for (let n = 0; n < NEW_NETWORKS; n++) samples.add('new', await newNetwork(n));
  markdown = report();
} finally {
  for (const client of clients) client.close();
  await instance.down();
  rmSync(DIR, { recursive: true, force: true });
}
writeResult('network-start', markdown);

async function start(side: Side, round: number): Promise<void> {
  const [client, host] = at(1);
  const log = new DebugLog(join(host.dataDir, 'daemon.log'));
  const hostConfig =
    side === 'none'
      ? { NetworkMode: 'none' }
      : side === 'network'
        ? {}
        : { PortBindings: { '80/tcp': [{ HostPort: String(20_000 + round) }] } };
  const create = await client.ok('POST', '/containers/create', {
    Image: instance.image,
    Cmd: ['sleep', '1000'],
    HostConfig: hostConfig,
    ...(side === 'port' ? { ExposedPorts: { '80/tcp': {} } } : {}),
    Caravela: { Constraints: [`node==${host.name}`] },
  });
  const { Id } = JSON.parse(create.body) as { Id: string };
  const started = await client.ok('POST', `/containers/${Id}/start`);
  samples.add(side, { create: create.tookMs, start: started.tookMs, total: create.tookMs + started.tookMs });
  samples.add(`${side} inside`, log.stages());
  await client.ok('DELETE', `/containers/${Id}?force=1`);
}

/** Times in ms, each from the step before. */
async function newNetwork(n: number): Promise<Record<string, number>> {
  const [client] = at(1);
  const name = `bench${n}`;
  const create = await client.ok('POST', '/networks/create', { Name: name, IPAM: { Config: [{ Subnet: `10.231.${n}.0/24` }] } });
  const agreed = performance.now();
  await Promise.all(
    [at(2), at(3)].map(([other]) =>
      until(`${name} on another node`, async () => (await other.call('GET', `/networks/${name}`)).status === 200, 30_000, POLL_MS),
    ),
  );
  const known = performance.now();
  const containers = await Promise.all([at(1), at(2), at(3)].map(([asked, host]) => onNetwork(asked, host, name)));
  const started = performance.now();
  await Promise.all(containers.flatMap((from) => containers.filter((to) => to !== from).map((to) => firstPing(from, to))));
  const reached = performance.now();
  for (const { id } of containers) await client.ok('DELETE', `/containers/${id}?force=1`);
  return {
    '1 created': create.tookMs,
    '2 known on all nodes': known - agreed,
    '3 a container started on each of the three, at once': started - known,
    '4 each reaches each': reached - started,
    '5 from the answer of create to there': reached - agreed,
  };
}

interface Started {
  readonly id: string;
  readonly netns: string;
  readonly address: string;
}

async function onNetwork(client: UnixClient, host: LabHost, network: string): Promise<Started> {
  const { body } = await client.ok('POST', '/containers/create', {
    Image: instance.image,
    Cmd: ['sleep', '1000'],
    HostConfig: { NetworkMode: network },
    Caravela: { Constraints: [`node==${host.name}`] },
  });
  const { Id } = JSON.parse(body) as { Id: string };
  await client.ok('POST', `/containers/${Id}/start`);
  const { NetworkSettings } = JSON.parse((await client.ok('GET', `/containers/${Id}/json`)).body) as {
    NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
  };
  return { id: Id, netns: join(host.runDir, 'netns', Id), address: NetworkSettings.Networks[network]?.IPAddress ?? '' };
}

async function firstPing(from: Started, to: Started): Promise<void> {
  await until(
    'a ping to come back',
    async () => {
      const { code } = await shell(['nsenter', `--net=${from.netns}`, 'ping', '-q', '-c', '1', '-W', '0.05', to.address]);
      return code === 0;
    },
    30_000,
    POLL_MS,
  );
}

function at(number: number): readonly [UnixClient, LabHost] {
  const client = clients[number - 1];
  if (client === undefined) throw new Error(`there is no host ${number}`);
  return [client, instance.lab.host(number)];
}

function report(): string {
  const over = (side: 'network' | 'port') => samples.medianOver(side, 'none', 'total');
  const verdict = (side: 'network' | 'port') => [
    `${LABELS[side]}, over --network none`,
    `${over(side).toFixed(1)} ms`,
    `≤ ${TARGETS[side]} ms`,
  ];
  const times = SIDES.flatMap((side) =>
    ['create', 'start', 'total'].map((stage) => [`${LABELS[side]}: ${stage}`, ...samples.row(side, stage)]),
  );
  const inside = SIDES.flatMap((side) =>
    samples.stages(`${side} inside`).map((stage) => [`${LABELS[side]}: ${stage}`, ...samples.row(`${side} inside`, stage)]),
  );
  const fresh = samples.stages('new').map((stage) => [stage.slice(2), ...samples.row('new', stage)]);
  return `# Start of a container on a network

${today()}; ${machine()}. Load average at the end ${loadAverage()}.

From the API request to the answer of \`start\`, image present, on the node asked, no teardown in flight; medians of the rounds' own differences:

${table(['', 'measured', 'target'], [verdict('network'), verdict('port')])}

${table([`ms, ${RUNS} runs`, 'min', 'median', 'p95'], times)}

Inside the daemon:

${table(['ms', 'min', 'median', 'p95'], inside)}

A new network, three nodes, each line from the one before but the last; three first containers start at once on the same processors:

${table([`ms, ${NEW_NETWORKS} networks`, 'min', 'median', 'p95'], fresh)}

Rerun: \`node bench/network-start.ts\` (as root, after \`make build\`).
`;
}
