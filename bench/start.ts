/**
 * Start of a container whose image is present: from the API request to the answer of `start`, by an API
 * client that stays connected; the command-line client is not part of it (bench/cli.ts is about that).
 *
 *   node bench/start.ts [runs]
 *
 * For runc and for crun, interleaved in each round: ours on the node that is asked, ours on another
 * node, Docker's create + start through its API, and the bare runtime's create + start on a bundle that
 * our engine made, seccomp included. All with `--network none`, removed outside of the timing.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerArchive, makeBusyboxImage } from '../scripts/make-image.ts';
import { startInstance } from '../test/lab/instance.ts';
import type { LabHost } from '../test/lab/lab-host.ts';
import { BareRuntime } from './lib/bare-runtime.ts';
import { DebugLog } from './lib/debug-log.ts';
import { DockerEngine } from './lib/docker-engine.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { inPrivateMounts } from './lib/private-mounts.ts';
import { writeResult } from './lib/result.ts';
import { Samples } from './lib/samples.ts';
import { table } from './lib/stats.ts';
import { UnixClient } from '../test/lab/unix-client.ts';

const RUNS = Number(process.argv[2] ?? 30);
/** Fill caches, compile caches and page cache; not counted. */
const WARM_UP_ROUNDS = 3;
/** The kernel takes network namespaces apart in the background, under locks that the next start needs. */
const SETTLE_MS = 250;
const NAME = 'crvbst';
const DIR = '/tmp/crvbst';
const CMD = ['sleep', '1000'];
/** Medians, ms: what we promise ourselves. */
const TARGETS = { local: 50, remote: 65, runc: 2, crun: 3 };

const LABELS = { local: 'ours, on the node asked', remote: 'ours, on another node', docker: 'Docker', bare: 'bare runtime' };

type RuntimeName = 'runc' | 'crun';

inPrivateMounts();
const docker = await DockerEngine.start(NAME, join(DIR, 'docker'));
let markdown: string;
try {
  await docker.client.ok('POST', '/images/load?quiet=1', await dockerArchive(await makeBusyboxImage(), ['bench:1']));
  const runc = await measure('runc');
  const crun = await measure('crun');
  markdown = report({ runc, crun }, docker.version);
} finally {
  await docker.stop();
  rmSync(DIR, { recursive: true, force: true });
}
writeResult('start', markdown);

async function measure(runtime: RuntimeName): Promise<Samples> {
  const config = join(DIR, `${runtime}.toml`);
  writeFileSync(config, `[engine]\nruntime = "${runtime}"\n[log]\nlevel = "debug"\n`);
  const instance = await startInstance({
    name: NAME,
    hosts: 2,
    dir: join(DIR, 'lab'),
    subnet: '10.79.5',
    extra: () => ['--config', config],
  });
  const host = instance.lab.host(1);
  const client = new UnixClient(host.socket);
  const samples = new Samples();
  let bare: BareRuntime | undefined;
  const ours = async (side: 'local' | 'remote', node: LabHost): Promise<() => Promise<unknown>> => {
    const log = new DebugLog(join(node.dataDir, 'daemon.log'));
    const create = await client.ok('POST', '/containers/create', {
      Image: instance.image,
      Cmd: CMD,
      HostConfig: { NetworkMode: 'none' },
      Caravela: { Constraints: [`node==${node.name}`] },
    });
    const { Id } = JSON.parse(create.body) as { Id: string };
    const start = await client.ok('POST', `/containers/${Id}/start`);
    samples.add(side, { create: create.tookMs, start: start.tookMs, total: create.tookMs + start.tookMs });
    samples.add(`${side} inside`, log.stages());
    return () => client.ok('DELETE', `/containers/${Id}?force=1`);
  };
  const sides: (() => Promise<() => Promise<unknown>>)[] = [
    () => ours('local', host),
    () => ours('remote', instance.lab.host(2)),
    async () => {
      const create = await docker.client.ok('POST', '/containers/create', {
        Image: 'bench:1',
        Cmd: CMD,
        HostConfig: { NetworkMode: 'none', Runtime: runtime },
      });
      const { Id } = JSON.parse(create.body) as { Id: string };
      const start = await docker.client.ok('POST', `/containers/${Id}/start`);
      samples.add('docker', { create: create.tookMs, start: start.tookMs, total: create.tookMs + start.tookMs });
      return () => docker.client.ok('DELETE', `/containers/${Id}?force=1`);
    },
  ];
  try {
    const model = await modelContainer(client, host, instance.image, runtime);
    const program = `/usr/${runtime === 'runc' ? 's' : ''}bin/${runtime}`;
    const floor = await BareRuntime.from(
      program,
      join(DIR, `bare-${runtime}`),
      join(host.runDir, 'bundles', model),
      join(host.dataDir, 'containers', model),
    );
    bare = floor;
    sides.push(async () => {
      const { create, start } = await floor.run('bare');
      samples.add('bare', { create, start, total: create + start });
      return () => floor.delete('bare');
    });
    for (let round = -WARM_UP_ROUNDS; round < RUNS; round++) {
      if (round === 0) samples.clear();
      // Each side comes after each other in turn: what one leaves to do in the background hits all alike.
      for (let i = 0; i < sides.length; i++) {
        const remove = await (sides[(i + round + sides.length) % sides.length] as (typeof sides)[number])();
        await remove();
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      }
    }
    return samples;
  } finally {
    client.close();
    await instance.down();
    await bare?.close();
  }
}

/** A container of ours that runs as long as the bench: the bare runtime gets its bundle. */
async function modelContainer(client: UnixClient, host: LabHost, image: string, runtime: RuntimeName): Promise<string> {
  await host.ok(['pull', image]);
  const created = await client.ok('POST', '/containers/create', {
    Image: image,
    Cmd: CMD,
    HostConfig: { NetworkMode: 'none' },
    Caravela: { Constraints: [`node==${host.name}`] },
  });
  const { Id } = JSON.parse(created.body) as { Id: string };
  await client.ok('POST', `/containers/${Id}/start`);
  const { HostConfig } = JSON.parse((await client.ok('GET', `/containers/${Id}/json`)).body) as { HostConfig: { Runtime: string } };
  if (HostConfig.Runtime !== runtime) throw new Error(`${host.name} runs containers under ${HostConfig.Runtime}, not ${runtime}`);
  return Id;
}

function report(results: Readonly<Record<RuntimeName, Samples>>, dockerVersion: string): string {
  const sections = (['runc', 'crun'] as const).map((runtime) => {
    const s = results[runtime];
    const times = (['local', 'remote', 'docker', 'bare'] as const).flatMap((side) =>
      ['create', 'start', 'total'].map((stage) => [`${LABELS[side]}: ${stage}`, ...s.row(side, stage)]),
    );
    const inside = s.stages('local inside').map((stage) => [stage, ...s.row('local inside', stage)]);
    return `## ${runtime}

${table([`ms, ${RUNS} runs`, 'min', 'median', 'p95'], times)}

Inside the daemon, of a local start:

${table(['ms', 'min', 'median', 'p95'], inside)}
`;
  });
  const verdicts = (['runc', 'crun'] as const).flatMap((runtime) => {
    const s = results[runtime];
    const over = (side: string) => s.median(side, 'total') - s.median('bare', 'total');
    const ratio = s.median('docker', 'total') / s.median('local', 'total');
    return [
      [`${runtime}: local − bare`, `${over('local').toFixed(1)} ms`, `≤ ${TARGETS.local} ms`],
      [`${runtime}: remote − bare`, `${over('remote').toFixed(1)} ms`, `≤ ${TARGETS.remote} ms`],
      [`${runtime}: Docker ÷ local`, `${ratio.toFixed(2)} ×`, `≥ ${TARGETS[runtime]} ×`],
    ];
  });
  return `# Start of a container

${today()}; ${machine()}; Docker ${dockerVersion}. Load average at the end ${loadAverage()}.

From the API request to the answer of \`start\`, image present, network none, by an API client that stays connected.
Interleaved; medians compared:

${table(['', 'measured', 'target'], verdicts)}

${sections.join('\n')}
Rerun: \`node bench/start.ts\` (as root, after \`make build\`; \`bench/README.md\` says how it is measured).
`;
}
