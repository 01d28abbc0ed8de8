/**
 * A hundred containers, one by one and ten at a time, and what each costs while it does nothing: against Docker.
 *
 *   node bench/docker-start.ts [containers] [rounds]
 *
 * All by the API, image present, `--network none`; create and start together. Both sides take turns in each round, and the
 * containers of a side are removed before the other's come. The memory is that of the processes that are there because of
 * containers (who watches them, and what the daemons grew by), without the containers' own: proportional set size.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dockerArchive, makeBusyboxImage } from '../scripts/make-image.ts';
import { startInstance } from '../test/lab/instance.ts';
import { UnixClient } from '../test/lab/unix-client.ts';
import { DockerEngine } from './lib/docker-engine.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { Samples } from './lib/samples.ts';
import { table } from './lib/stats.ts';

const CONTAINERS = Number(process.argv[2] ?? 100);
const ROUNDS = Number(process.argv[3] ?? 3);
const AT_A_TIME = 10;
const NAME = 'crvbds';
const DIR = '/tmp/crvbds';
/** Room for all of them on one small machine. */
const OVERCOMMIT = 20;
/** Daemons finish, and free, what a hundred starts left. */
const SETTLE_MS = 5_000;
const LABELS = { ours: 'ours', docker: 'Docker' };
type Side = keyof typeof LABELS;

interface Place {
  readonly client: UnixClient;
  readonly image: string;
  readonly more: object;
  /** Part of the command lines of all its processes but the containers'. */
  readonly mark: string;
}

const instance = await startInstance({
  name: NAME,
  hosts: 1,
  dir: join(DIR, 'lab'),
  subnet: '10.79.11',
  extra: () => ['--overcommit', String(OVERCOMMIT)],
});
let docker: DockerEngine | undefined;
const samples = new Samples();
const memory: Record<Side, number[]> = { ours: [], docker: [] };
try {
  const dockerDir = join(DIR, 'docker');
  docker = await DockerEngine.start(NAME, dockerDir);
  await docker.client.ok('POST', '/images/load?quiet=1', await dockerArchive(await makeBusyboxImage(), ['bench:1']));
  await instance.lab.host(1).ok(['pull', instance.image]);
  const host = instance.lab.host(1);
  const places: Readonly<Record<Side, Place>> = {
    ours: { client: new UnixClient(host.socket, AT_A_TIME), image: instance.image, more: {}, mark: join(DIR, 'lab') },
    docker: {
      client: new UnixClient(join(dockerDir, 'docker.sock'), AT_A_TIME),
      image: 'bench:1',
      more: { HostConfig: { NetworkMode: 'none' } },
      mark: dockerDir,
    },
  };
  // Warm both: the first starts fill caches.
  for (const side of ['ours', 'docker'] as const) await removeAll(places[side], await starts(places[side], 1, AT_A_TIME));
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? (['ours', 'docker'] as const) : (['docker', 'ours'] as const);
    for (const side of order) await measure(side, places[side]);
    console.error(`round ${round + 1} of ${ROUNDS}`);
  }
  for (const side of ['ours', 'docker'] as const) places[side].client.close();
  writeResult('docker-start', report(docker.version));
} finally {
  await docker?.stop();
  await instance.down();
  rmSync(DIR, { recursive: true, force: true });
}

async function measure(side: Side, place: Place): Promise<void> {
  const before = pssKb(place.mark);
  let began = performance.now();
  const one = await starts(place, 1, CONTAINERS);
  samples.add(side, { 'one by one': performance.now() - began });
  await settle();
  memory[side].push((pssKb(place.mark) - before) / CONTAINERS);
  await removeAll(place, one);
  await settle();
  began = performance.now();
  const many = await starts(place, AT_A_TIME, CONTAINERS);
  samples.add(side, { 'ten at a time': performance.now() - began });
  await removeAll(place, many);
  await settle();
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** So many containers, `side` of them at a time. */
async function starts(place: Place, side: number, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const body = { Image: place.image, Cmd: ['sleep', '100000'], HostConfig: { NetworkMode: 'none' }, ...place.more };
      const { Id } = JSON.parse((await place.client.ok('POST', '/containers/create', body)).body) as { Id: string };
      await place.client.ok('POST', `/containers/${Id}/start`);
      ids.push(Id);
    }
  };
  await Promise.all(Array.from({ length: side }, work));
  return ids;
}

async function removeAll({ client }: Place, ids: readonly string[]): Promise<void> {
  for (const id of ids) await client.ok('DELETE', `/containers/${id}?force=1`);
}

/** Of all processes whose command line has this, and not of containers'. */
function pssKb(mark: string): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return processes.reduce((sum, pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark)) return sum;
      return sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended while we looked.
      return sum;
    }
  }, 0);
}

function report(dockerVersion: string): string {
  const stages = ['one by one', 'ten at a time'];
  const seconds = (side: Side, stage: string) => (samples.median(side, stage) / 1000).toFixed(2);
  const rows = stages.map((stage) => [
    `${CONTAINERS} starts, ${stage}, s`,
    seconds('ours', stage),
    seconds('docker', stage),
    (samples.median('docker', stage) / samples.median('ours', stage)).toFixed(2),
  ]);
  const kb = (side: Side) => memory[side].toSorted((a, b) => a - b)[Math.floor(memory[side].length / 2)] ?? Number.NaN;
  rows.push([
    'memory of an idle container besides its process, kB',
    kb('ours').toFixed(0),
    kb('docker').toFixed(0),
    (kb('docker') / kb('ours')).toFixed(2),
  ]);
  return `# A hundred containers

${today()}; ${machine()}; Docker ${dockerVersion}. Load average at the end ${loadAverage()}.

Create and start by the API on the node asked, image present, network none, under runc or crun as each side takes by itself;
medians of ${ROUNDS} rounds:

${table(['', LABELS.ours, LABELS.docker, 'Docker ÷ ours'], rows)}

The memory: proportional set size of who watches a container, and what the daemons grew by, after ${CONTAINERS} starts.

Rerun: \`node bench/docker-start.ts\` (as root, after \`make build\`).
`;
}
