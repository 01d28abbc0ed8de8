/**
 * What comes out of containers, and goes in: logs, files, keys.
 *
 *   node bench/streams.ts [rounds] [megabytes]
 *
 * In each round, in turn: of a container on the node asked, of one on another node, and of Docker's through its API: all of
 * its log; a file out of it; one into it; and lines one by one to an attached `cat` and back. Nobody does anything with
 * what comes.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { dockerArchive, makeBusyboxImage } from '../scripts/make-image.ts';
import { startInstance } from '../test/lab/instance.ts';
import { until } from '../test/lab/shell.ts';
import { UnixClient } from '../test/lab/unix-client.ts';
import { DockerEngine } from './lib/docker-engine.ts';
import { echoTimes } from './lib/echo-times.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { Samples } from './lib/samples.ts';
import { quantile, table } from './lib/stats.ts';
import { timedRequest } from './lib/timed-request.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const MEGABYTES = Number(process.argv[3] ?? 100);
const WARM_UP_ROUNDS = 1;
const ECHOES = 300;
const NAME = 'crvbstr';
const DIR = '/tmp/crvbstr';
const LINE_BYTES = 100;
const LABELS = { local: 'ours, on the node asked', remote: 'ours, on another node', docker: 'Docker' };
type Side = keyof typeof LABELS;
const SIDES = Object.keys(LABELS) as Side[];
const STREAMS = { logs: '`logs`', out: '`cp` out', in: '`cp` in' } as const;
type Stream = keyof typeof STREAMS;

interface Place {
  readonly socket: string;
  readonly image: string;
  readonly more: object;
}

const instance = await startInstance({ name: NAME, hosts: 2, dir: join(DIR, 'lab'), subnet: '10.79.9' });
const asked = instance.lab.host(1);
let docker: DockerEngine | undefined;
const rates = new Samples();
const echoes: Record<Side, number[]> = { local: [], remote: [], docker: [] };
try {
  docker = await DockerEngine.start(NAME, join(DIR, 'docker'));
  await docker.client.ok('POST', '/images/load?quiet=1', await dockerArchive(await makeBusyboxImage(), ['bench:1']));
  await asked.ok(['pull', instance.image]);
  const on = (n: number) => ({ Caravela: { Constraints: [`node==${instance.lab.host(n).name}`] } });
  const places: Readonly<Record<Side, Place>> = {
    local: { socket: asked.socket, image: instance.image, more: on(1) },
    remote: { socket: asked.socket, image: instance.image, more: on(2) },
    docker: { socket: join(DIR, 'docker', 'docker.sock'), image: 'bench:1', more: {} },
  };
  const file = await archiveOf(MEGABYTES);
  for (const side of SIDES) await prepare(side, places[side]);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    if (round === 0) {
      rates.clear();
      for (const side of SIDES) echoes[side].length = 0;
    }
    for (let i = 0; i < SIDES.length; i++) {
      const side = SIDES[(i + round + SIDES.length) % SIDES.length] as Side;
      await measure(side, places[side], file);
    }
    console.error(`round ${round + 1} of ${ROUNDS}`);
  }
  writeResult('streams', report(docker.version));
} finally {
  await docker?.stop();
  await instance.down();
  rmSync(DIR, { recursive: true, force: true });
}

/** Two containers of each place: one that has written its log and has a file, one that says what it hears. */
async function prepare(side: Side, { socket, image, more }: Place): Promise<void> {
  const client = new UnixClient(socket);
  const create = async (name: string, options: object) => {
    const body = { Image: image, HostConfig: { NetworkMode: 'none' }, ...more, ...options };
    await client.ok('POST', `/containers/create?name=${name}`, body);
    await client.ok('POST', `/containers/${name}/start`);
  };
  const bytes = MEGABYTES * 1_000_000;
  const write = `head -c ${bytes} /dev/zero > /file; head -c ${Math.floor((bytes * (LINE_BYTES - 1)) / LINE_BYTES)} /dev/zero | tr '\\0' x | fold -w ${LINE_BYTES - 1}`;
  await create(`writer-${side}`, { Cmd: ['sh', '-c', `${write}; echo; sleep 1000000`] });
  await create(`echo-${side}`, { Cmd: ['sh', '-c', 'stty raw -echo; exec cat'], Tty: true, OpenStdin: true });
  await until(
    `the log of ${side}`,
    async () => {
      const { bytes: found } = await timedRequest(socket, 'GET', `/v1.41/containers/writer-${side}/logs?stdout=1&tail=2`);
      return found > 0 && (await timedRequest(socket, 'GET', `/v1.41/containers/writer-${side}/logs?stdout=1`)).bytes >= bytes;
    },
    300_000,
    2_000,
  );
  client.close();
}

async function measure(side: Side, { socket }: Place, file: Buffer): Promise<void> {
  const writer = `/v1.41/containers/writer-${side}`;
  const rate = (bytes: number, tookMs: number) => bytes / 1e6 / (tookMs / 1000);
  const logs = await timedRequest(socket, 'GET', `${writer}/logs?stdout=1`);
  const out = await timedRequest(socket, 'GET', `${writer}/archive?path=/file`);
  const into = await timedRequest(socket, 'PUT', `${writer}/archive?path=/tmp`, file);
  const found: Record<Stream, number> = {
    logs: rate(logs.bytes, logs.tookMs),
    out: rate(out.bytes, out.tookMs),
    in: rate(file.length, into.tookMs),
  };
  rates.add(side, found);
  echoes[side].push(...(await echoTimes(socket, `echo-${side}`, ECHOES)));
}

async function archiveOf(megabytes: number): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'copied', mode: 0o644 }, Buffer.alloc(megabytes * 1_000_000, 'x'));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function report(dockerVersion: string): string {
  const streams = (Object.keys(STREAMS) as Stream[]).map((stream) => [
    STREAMS[stream],
    ...SIDES.map((side) => rates.median(side, stream).toFixed(0)),
    (rates.median('local', stream) / rates.median('docker', stream)).toFixed(2),
    (rates.median('remote', stream) / rates.median('local', stream)).toFixed(2),
  ]);
  const keys = SIDES.map((side) => [LABELS[side], ...[0.5, 0.99].map((q) => quantile(echoes[side], q).toFixed(2))]);
  return `# Streams of containers

${today()}; ${machine()}; Docker ${dockerVersion}. Load average at the end ${loadAverage()}.

${MEGABYTES} MB of ${LINE_BYTES}-byte lines, and as one file; medians of ${ROUNDS} rounds. Sender, receiver and what is between them share this
machine's processors.

${table(['MB/s', ...SIDES.map((side) => LABELS[side]), 'ours ÷ Docker', 'remote ÷ local'], streams)}

A line to an attached \`cat\` and back, one at a time:

${table([`ms, ${ROUNDS * ECHOES} lines`, 'p50', 'p99'], keys)}

Rerun: \`node bench/streams.ts\` (as root, after \`make build\`).
`;
}
