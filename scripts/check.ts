/** The static checks, side by side; prints what each said when it fails. Exit code 1 when any did. */
import { spawn } from 'node:child_process';

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  ['types of the core, without Node', 'tsc', '-p', 'src/core'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts'],
  ['format', 'biome', 'format', '.'],
  ['import directions', 'depcruise', '--output-type', 'err', 'src'],
  ['dead code', 'knip'],
  ['tidy', 'node', 'scripts/tidy.ts'],
];

interface Outcome {
  readonly name: string;
  readonly code: number;
  readonly output: string;
}

function run([name, command = '', ...args]: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += String(data)));
    child.stderr.on('data', (data) => (output += String(data)));
    child.on('error', (error) => resolve({ name: name ?? '', code: 127, output: error.message }));
    child.on('close', (code) => resolve({ name: name ?? '', code: code ?? 1, output }));
  });
}

const outcomes = await Promise.all(CHECKS.map(run));
for (const { name, code, output } of outcomes) {
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (code !== 0) console.log(output.trimEnd().replace(/^/gm, '     '));
}
process.exitCode = outcomes.some((o) => o.code !== 0) ? 1 : 0;
