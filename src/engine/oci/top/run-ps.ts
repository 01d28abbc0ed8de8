import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EngineError } from '../../port.ts';
import { falsePid, parsePs, type ProcessTable } from './ps-output.ts';

const execute = promisify(execFile);

const MOST_ARGUMENTS = 64;
const ARGUMENT_BYTES = 4096;
const OUTPUT_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
const DEFAULT_ARGUMENTS = ['-ef'];

/** The host's `ps`, its lines of these processes. @throws EngineError in `ps`'s words */
export async function runPs(psArguments: readonly string[], pids: ReadonlySet<number>): Promise<ProcessTable> {
  const asked = psArguments.filter((each) => each !== '');
  const given = asked.length === 0 ? DEFAULT_ARGUMENTS : asked;
  refuseBad(given);
  // Some options can't go with -q: then all processes are listed, which takes longer.
  const output = await ps([...given, '-q', [...pids].join(',')]).catch(() => ps(given));
  const table = parsePs(output, pids);
  if (table === undefined) throw new EngineError('engine-failed', "Couldn't find PID field in ps output");
  return table;
}

function refuseBad(psArguments: readonly string[]): void {
  if (psArguments.length > MOST_ARGUMENTS || psArguments.join(' ').length > ARGUMENT_BYTES) {
    throw new EngineError('engine-failed', `ps: more than ${MOST_ARGUMENTS} arguments or ${ARGUMENT_BYTES} characters`);
  }
  if (psArguments.some((each) => each.includes('\0'))) throw new EngineError('engine-failed', 'ps: an argument has a NUL in it');
  const column = falsePid(psArguments);
  if (column !== undefined) throw new EngineError('engine-failed', `specifying "${column}" is not allowed`);
}

async function ps(args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute('ps', args, { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES });
    return stdout;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const line = stderr.split('\n').find((each) => each.trim() !== '') ?? (error instanceof Error ? error.message : String(error));
    throw new EngineError('engine-failed', `ps: ${line.trim()}`);
  }
}
