/**
 * Pull and unpack of an image of gzip layers from a registry on this machine.
 *
 *   node bench/images.ts [megabytes:rounds …]
 *
 * In each round, one after another and each with nothing of the image there: ours through the API; Debian's Docker through
 * its own; `skopeo copy` into an OCI layout, which unpacks nothing; and a second node of ours, which has it from the first by
 * a create.
 */
import { join } from 'node:path';
import { startInstance } from '../test/lab/instance.ts';
import { must } from '../test/lab/shell.ts';
import { UnixClient } from '../test/lab/unix-client.ts';
import { DockerEngine } from './lib/docker-engine.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { Samples } from './lib/samples.ts';
import { table } from './lib/stats.ts';
import { timedRequest } from './lib/timed-request.ts';

const NAME = 'crvbimg';
const DIR = '/tmp/crvbimg';
const WARM_UP_ROUNDS = 1;
/** Of Docker's time, on gzip layers: what we promise ourselves. */
const TARGET = 0.7;
const LABELS = { ours: 'ours', docker: 'Docker', skopeo: 'skopeo, nothing unpacked', peer: 'ours, a second node from its peer' };
type Side = keyof typeof LABELS;
const SIDES = Object.keys(LABELS) as Side[];

interface Plan {
  readonly megabytes: number;
  readonly rounds: number;
}
interface Pushed {
  readonly unpacked: number;
  readonly pushed: number;
  readonly files: number;
}

const plans: readonly Plan[] = (process.argv.length > 2 ? process.argv.slice(2) : ['100:9', '1000:5']).map((word) => {
  const [megabytes = 0, rounds = 3] = word.split(':').map(Number);
  return { megabytes, rounds };
});
const instance = await startInstance({ name: NAME, hosts: 3, joining: 2, dir: join(DIR, 'lab'), subnet: '10.79.8' });
const [first, , apart] = instance.lab.hosts;
if (first === undefined || apart === undefined) throw new Error('the lab has three hosts');
const registry = `${instance.lab.bridgeIp}:5000`;
let docker: DockerEngine | undefined;
const client = new UnixClient(first.socket);
const sections: string[] = [];
try {
  const dockerDir = join(DIR, 'lab', 'docker');
  docker = await DockerEngine.start(NAME, dockerDir, { netns: apart.netns, words: [`--insecure-registry=${registry}`] });
  for (const plan of plans) sections.push(await measure(plan, join(dockerDir, 'docker.sock')));
  writeResult('images', report(docker.version));
} finally {
  client.close();
  await docker?.stop();
  await instance.down();
}

async function measure({ megabytes, rounds }: Plan, dockerSocket: string): Promise<string> {
  const inSwitch = ['nsenter', `--net=/run/netns/${instance.lab.switchNetns}`];
  const image = `${registry}/big:${megabytes}`;
  const program = join(import.meta.dirname, 'lib', 'push-big-image.ts');
  const pushed = JSON.parse(
    await must([...inSwitch, process.execPath, program, `http://${image}`, String(megabytes)], { timeoutMs: 600_000 }),
  ) as Pushed;
  const samples = new Samples();
  const sides: Readonly<Record<Side, () => Promise<number>>> = {
    ours: () => pull(first?.socket ?? '', image),
    docker: async () => {
      const ms = await pull(dockerSocket, image);
      await timedRequest(dockerSocket, 'DELETE', `/images/${encodeURIComponent(image)}?force=1`);
      return ms;
    },
    skopeo: () => skopeo(image),
    peer: () => fromPeer(image),
  };
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    if (round === 0) samples.clear();
    for (const side of SIDES) {
      // What the side before left to be written is not this one's.
      await must(['sync']);
      samples.add(side, { total: await sides[side]() });
    }
    await client.ok('DELETE', `/images/${encodeURIComponent(image)}?force=1`);
    console.error(
      `${megabytes} MB, round ${round + 1} of ${rounds}: ${SIDES.map((side) => samples.last(side, 'total').toFixed(0)).join(', ')} ms`,
    );
  }
  return sectionOf({ megabytes, rounds }, pushed, samples);
}

async function pull(socket: string, image: string): Promise<number> {
  const at = image.lastIndexOf(':');
  const query = `fromImage=${encodeURIComponent(image.slice(0, at))}&tag=${image.slice(at + 1)}`;
  const { tookMs, last } = await timedRequest(socket, 'POST', `/images/create?${query}`);
  if (last.includes('"error"')) throw new Error(`pull of ${image}: ${last}`);
  return tookMs;
}

async function skopeo(image: string): Promise<number> {
  const target = join(DIR, 'lab', 'layout');
  const began = performance.now();
  const words = ['skopeo', 'copy', '--quiet', '--src-tls-verify=false', `docker://${image}`, `oci:${target}`];
  await must(['nsenter', `--net=/run/netns/${apart?.netns}`, ...words], { timeoutMs: 300_000 });
  const tookMs = performance.now() - began;
  await must(['rm', '-r', target]);
  return tookMs;
}

/** From the request to create a container on the other node to its answer; a registry is nobody's source while a peer has it. */
async function fromPeer(image: string): Promise<number> {
  const created = await client.ok('POST', '/containers/create', {
    Image: image,
    HostConfig: { NetworkMode: 'none' },
    Caravela: { Constraints: [`node==${instance.lab.host(2).name}`] },
  });
  const { Id } = JSON.parse(created.body) as { Id: string };
  await client.ok('DELETE', `/containers/${Id}?force=1`);
  return created.tookMs;
}

function sectionOf({ megabytes, rounds }: Plan, pushed: Pushed, samples: Samples): string {
  const ratio = (side: Side, to: Side) => samples.median(side, 'total') / samples.median(to, 'total');
  const verdicts = [
    ['ours ÷ Docker', ratio('ours', 'docker').toFixed(2), `≤ ${TARGET}`],
    ['ours ÷ skopeo', ratio('ours', 'skopeo').toFixed(2), ''],
    ['from a peer ÷ Docker from the registry', ratio('peer', 'docker').toFixed(2), ''],
  ];
  const times = SIDES.map((side) => [LABELS[side], ...samples.row(side, 'total')]);
  const size = (bytes: number) => (bytes / 1e6).toFixed(0);
  return `## ${megabytes} MB

${size(pushed.unpacked)} MB in ${pushed.files} files, ${size(pushed.pushed)} MB as gzip layers.

${table(['', 'measured', 'target'], verdicts)}

${table([`ms, ${rounds} rounds`, 'min', 'median', 'p95'], times)}
`;
}

function report(dockerVersion: string): string {
  return `# Pull and unpack

${today()}; ${machine()}; Docker ${dockerVersion}. Load average at the end ${loadAverage()}.

From a docker-registry on this machine, which shares its processors with who pulls; each with nothing of the image there, the
disk's caches written before. Medians compared:

${sections.join('\n')}
Rerun: \`node bench/images.ts\` (as root, after \`make build\`).
`;
}
