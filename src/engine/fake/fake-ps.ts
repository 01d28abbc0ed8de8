import { EngineError } from '../port.ts';

/** A fake process as `ps` sees it. */
export interface FakePsLine {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** Columns of `ps -o`, as far as they are known here, with their titles. */
const COLUMNS: Readonly<Record<string, readonly [string, (line: FakePsLine) => string]>> = {
  pid: ['PID', ({ pid }) => String(pid)],
  ppid: ['PPID', () => '1'],
  user: ['USER', () => 'root'],
  uid: ['UID', () => '0'],
  comm: ['COMMAND', ({ argv }) => (argv[0] ?? '').split('/').at(-1) ?? ''],
  args: ['COMMAND', ({ argv }) => argv.join(' ')],
  cmd: ['CMD', ({ argv }) => argv.join(' ')],
};

/** What `ps` would print. @throws EngineError where there is no column PID, or one that this knows nothing of */
export function fakePs(lines: readonly FakePsLine[], psArguments: readonly string[]) {
  const asked = psArguments.indexOf('-o');
  const names = asked < 0 ? ['user', 'pid', 'ppid', 'cmd'] : (psArguments[asked + 1] ?? '').split(',');
  const columns = names.map((name) => {
    const column = COLUMNS[name];
    if (column === undefined)
      throw new EngineError('engine-failed', `error: unknown user-defined format specifier ${JSON.stringify(name)}`);
    return column;
  });
  if (!names.includes('pid')) throw new EngineError('engine-failed', "Couldn't find PID field in ps output");
  return { titles: columns.map(([title]) => title), processes: lines.map((line) => columns.map(([, read]) => read(line))) };
}
