/**
 * Cold start of the command-line client, a process each time: `caravela --version`, and `caravela ps`
 * against a daemon, beside bare `node -e 0` of the same Node.
 *
 *   node bench/cli.ts [runs]
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startInstance } from '../test/lab/instance.ts';
import { machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { summary, table } from './lib/stats.ts';

const RUNS = Number(process.argv[2] ?? 30);
const BIN = join(import.meta.dirname, '..', 'bin', 'caravela');

const instance = await startInstance({ name: 'crvcli', hosts: 1, dir: '/tmp/crvcli', subnet: '10.79.2' });
try {
  const host = `unix://${instance.lab.host(1).socket}`;
  const commands: Readonly<Record<string, readonly string[]>> = {
    'node -e 0': [process.execPath, '-e', '0'],
    'caravela --version': [BIN, '--version'],
    'caravela ps': [BIN, '--host', host, 'ps'],
    'caravela nodes': [BIN, '--host', host, 'nodes'],
  };
  const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  for (let run = -2; run < RUNS; run++) {
    for (const [name, [program = '', ...args]] of Object.entries(commands)) {
      const start = performance.now();
      const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      const took = performance.now() - start;
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${String(stderr)}`);
      // The first two rounds warm the page cache and the compile cache.
      if (run >= 0) times.get(name)?.push(took);
    }
  }
  const rows = [...times].map(([name, values]) => {
    const s = summary(values);
    return [`\`${name}\``, ...[s.min, s.median, s.p95].map((x) => x.toFixed(1))];
  });
  writeResult(
    'cli',
    `# Cold start of the client\n\n${today()}; ${machine()}\n\n${RUNS} runs each, interleaved; whole process, ms.\n\n${table(['command', 'min', 'median', 'p95'], rows)}\n\nRerun: \`node bench/cli.ts\`\n`,
  );
} finally {
  await instance.down();
}
