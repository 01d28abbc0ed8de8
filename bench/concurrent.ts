/**
 * Placement while many ask at once: 200 creates at a time over the sockets of three daemons, the image
 * present everywhere, two thirds of what the nodes offer; then 200 more, for half of which there is no room.
 *
 *   node bench/concurrent.ts [rounds]
 *
 * The decision is from the request's arrival in the core to the accept of the supplier that gets it, as `explain` tells
 * it. The client waits longer: for image and name to be looked up before, for the container to be made durable and ready
 * after, and here for 199 others on the same few cores.
 */
import { type CreateAnswer, createAtOnce } from '../test/lab/concurrent-creates.ts';
import { Accounts } from '../test/lab/accounts.ts';
import { type LabInstance, startInstance } from '../test/lab/instance.ts';
import { UnixClient } from '../test/lab/unix-client.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { quantile, table } from './lib/stats.ts';

const ROUNDS = Number(process.argv[2] ?? 10);
const WARM_UP_ROUNDS = 2;
const RUNS = 200;
const HOSTS = 3;
const MEMORY_BYTES = 8 * 1024 * 1024;
/** Each host offers its cores so many times, so that a small machine has room for hundreds of containers. */
const OVERCOMMIT = 5;
/** Kernel and disk finish what the round before left to do. */
const SETTLE_MS = 1_000;

interface Round {
  readonly answers: readonly CreateAnswer[];
  /** From the first request to the last answer. */
  readonly tookMs: number;
}

const decisions: number[] = [];
const attempts: number[] = [];
const full: Round[] = [];
const beyond: Round[] = [];

const instance = await startInstance({
  name: 'crvbmany',
  hosts: HOSTS,
  dir: '/tmp/crvbmany',
  subnet: '10.79.6',
  extra: () => ['--overcommit', String(OVERCOMMIT)],
});
const clients = instance.lab.hosts.map((host) => new UnixClient(host.socket, RUNS));
const clientOf = (i: number): UnixClient => clients[i % HOSTS] as UnixClient;
const accounts = new Accounts(clients);
try {
  for (const host of instance.lab.hosts) await host.ok(['pull', instance.image]);
  for (let n = -WARM_UP_ROUNDS; n < ROUNDS; n++) await round(instance, n >= 0);
} finally {
  for (const client of clients) client.close();
  await instance.down();
}
writeResult('concurrent', report());

async function round({ image }: LabInstance, counts: boolean): Promise<void> {
  const capacity = (await accounts.nodes()).reduce((sum, node) => sum + node.cpus.capacity, 0);
  const unit = Math.floor((capacity * 0.67) / (2 * RUNS));
  const first = await timed(image, (i) => unit * ([1, 2, 3, 2][i % 4] ?? 2));
  const refused = first.answers.filter((answer) => answer.status !== 201);
  if (refused.length > 0) throw new Error(`${refused.length} of ${RUNS} were not placed though there is room: ${refused[0]?.message}`);
  if (counts) {
    full.push(first);
    for (const { id } of first.answers) await note(id ?? '');
  }
  const second = await timed(image, () => unit * 2);
  if (counts) beyond.push(second);
  await accounts.balance();
  const rows = await accounts.containers();
  await Promise.all(rows.map((row, i) => clientOf(i).ok('DELETE', `/containers/${row.Id}?force=1`)));
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

async function timed(image: string, cpuMillicores: (i: number) => number): Promise<Round> {
  const began = performance.now();
  const wishes = Array.from({ length: RUNS }, (_, i) => ({ image, cpuMillicores: cpuMillicores(i), memoryBytes: MEMORY_BYTES }));
  const answers = await createAtOnce(clients, wishes);
  return { answers, tookMs: performance.now() - began };
}

async function note(id: string): Promise<void> {
  const { body } = await clientOf(0).ok('GET', `/caravela/v1/explain/${id}`);
  const placement = JSON.parse(body) as { tookMs: number; attempts: number };
  decisions.push(placement.tookMs);
  attempts.push(placement.attempts);
}

function report(): string {
  const row = (label: string, values: readonly number[]): readonly string[] => [
    label,
    ...[quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)].map((ms) => ms.toFixed(0)),
  ];
  const of = (rounds: readonly Round[], placed: boolean): readonly number[] =>
    rounds.flatMap(({ answers }) => answers.filter(({ status }) => (status === 201) === placed).map(({ tookMs }) => tookMs));
  const refused = of(beyond, false).length / (ROUNDS * RUNS);
  const rows = [
    row('decision', decisions),
    row('answer of create', of(full, true)),
    row(
      'all 200 answered',
      full.map(({ tookMs }) => tookMs),
    ),
    row('beyond: answer of create', of(beyond, true)),
    row(`beyond: refused (${(refused * 100).toFixed(0)} %)`, of(beyond, false)),
  ];
  const again = attempts.filter((n) => n > 1).length;
  return `# ${RUNS} runs at once

${today()}; ${machine()}. Load average at the end ${loadAverage()}.

${RUNS} creates at a time, from ${HOSTS} daemons on this one machine with the client; ${ROUNDS} rounds. All that fitted were placed
(${again} of ${attempts.length} in a second attempt), none was oversold.

${table(['ms', 'p50', 'p99', 'max'], rows)}

Rerun: \`node bench/concurrent.ts\` (as root, after \`make build\`)
`;
}
