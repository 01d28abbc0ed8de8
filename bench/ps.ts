/**
 * Lists of a thousand containers that lie on three nodes.
 *
 *   node bench/ps.ts [containers] [calls]
 *
 * The containers are created and not started: each is a record, a directory and its place in the name directory, and a row
 * as any other. Each node is asked in turn; what is timed is the API's answer, all of it, on a connection that stays.
 */
import { startInstance } from '../test/lab/instance.ts';
import { UnixClient } from '../test/lab/unix-client.ts';
import { loadAverage, machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { quantile, table } from './lib/stats.ts';

const CONTAINERS = Number(process.argv[2] ?? 1_000);
const CALLS = Number(process.argv[3] ?? 300);
const WARM_UP_CALLS = 30;
const HOSTS = 3;
/** Creates at a time. */
const SIDE = 6;
/** A node offers what it has so many times: a thousand containers hold more than one small machine has. */
const OVERCOMMIT = 30;
const QUERIES = {
  '`ps -a`, all of them': '/containers/json?all=1',
  '`ps -a --filter label=kind=rare`, one in a hundred': `/containers/json?all=1&filters=${encodeURIComponent('{"label":["kind=rare"]}')}`,
  '`ps -n 10`': '/containers/json?limit=10',
  '`ps`, none of them runs': '/containers/json',
};

const instance = await startInstance({
  name: 'crvbps',
  hosts: HOSTS,
  dir: '/tmp/crvbps',
  subnet: '10.79.12',
  extra: () => ['--overcommit', String(OVERCOMMIT)],
});
const clients = instance.lab.hosts.map((host) => new UnixClient(host.socket, SIDE));
const times = new Map<string, number[]>();
let bytes = 0;
try {
  for (const host of instance.lab.hosts) await host.ok(['pull', instance.image]);
  await fill();
  for (let n = -WARM_UP_CALLS; n < CALLS; n++) {
    for (const [label, path] of Object.entries(QUERIES)) {
      const client = clients[(n + WARM_UP_CALLS) % HOSTS] as UnixClient;
      const { tookMs, body } = await client.ok('GET', path);
      if (n < 0) check(label, body);
      else times.set(label, [...(times.get(label) ?? []), tookMs]);
      if (path === '/containers/json?all=1') bytes = body.length;
    }
  }
  writeResult('ps', report());
} finally {
  for (const client of clients) client.close();
  await instance.down();
}

async function fill(): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let i = next++; i < CONTAINERS; i = next++) {
      await (clients[i % HOSTS] as UnixClient).ok('POST', `/containers/create?name=c${i}`, {
        Image: instance.image,
        Cmd: ['sleep', '1000'],
        Labels: { app: `a${i % 20}`, ...(i % 100 === 0 ? { kind: 'rare' } : {}) },
        HostConfig: { NetworkMode: 'none', NanoCpus: 20_000_000, Memory: 8 * 1024 * 1024 },
        Caravela: { Constraints: [`node==${instance.lab.host((i % HOSTS) + 1).name}`] },
      });
    }
  };
  await Promise.all(Array.from({ length: SIDE }, work));
}

/** A list that lacks rows is quick, too. */
function check(label: string, body: string): void {
  const rows = (JSON.parse(body) as readonly unknown[]).length;
  const wanted = label.includes('all of')
    ? CONTAINERS
    : label.includes('one in')
      ? Math.ceil(CONTAINERS / 100)
      : label.includes('-n')
        ? Math.min(10, CONTAINERS)
        : 0;
  if (rows !== wanted) throw new Error(`${label}: ${rows} rows, not ${wanted}`);
}

function report(): string {
  const rows = [...times].map(([label, of]) => [label, ...[0.5, 0.99, 1].map((q) => quantile(of, q).toFixed(1))]);
  return `# Lists of ${CONTAINERS} containers

${today()}; ${machine()}. Load average at the end ${loadAverage()}.

${CONTAINERS} containers on ${HOSTS} nodes of this one machine; every node asked in turn, ${CALLS} times. All rows are ${(bytes / 1e6).toFixed(2)} MB.

${table(['ms', 'p50', 'p99', 'max'], rows)}

Rerun: \`node bench/ps.ts\` (as root, after \`make build\`).
`;
}
