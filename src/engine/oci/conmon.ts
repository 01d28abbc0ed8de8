import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { identify, type ProcessIdentity } from '../../linux/process-identity.ts';
import { inputEndsWithFirst } from '../input-rules.ts';
import type { LogWish } from '../port.ts';
import type { BundlePaths } from './engine-paths.ts';
import { logBounds } from './log-files.ts';
import { type Runtime, RuntimeFailure } from './runtime.ts';

/**
 * conmon (containers/conmon) watches one container: it runs the runtime's `create`, owns the
 * container's output and log, and writes the exit code to a file when it ends. It detaches itself from
 * us, so a daemon's death changes nothing for a container.
 *
 * The talk: we write a byte to the start pipe, conmon runs the runtime, and answers with one line of
 * JSON on the sync pipe: `{"data": pid}` or `{"data": -1, "message": …}`.
 */
export interface ConmonTask {
  readonly id: string;
  readonly runtime: Runtime;
  readonly bundle: BundlePaths;
  readonly exitDir: string;
  readonly log: { readonly path: string; readonly wish: LogWish | undefined };
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
}

export interface Watched {
  readonly init: ProcessIdentity;
  readonly conmon: ProcessIdentity;
}

/** conmon starts the file anew there and forgets what was in it; our own rotation comes long before, unless we are down. Or twice what was asked for, if that is more. */
const LOG_HARD_LIMIT_BYTES = 256 * 1024 * 1024;
/** A create that takes longer hangs. */
const SYNC_TIMEOUT_MS = 120_000;
const SYNC_BYTES = 1024 * 1024;

export class Conmon {
  readonly #child;
  readonly #task: ConmonTask;
  readonly #left: Promise<unknown>;

  /** Spawns conmon, which then waits for `create`; bundle and log directory must exist. */
  constructor(path: string, task: ConmonTask) {
    this.#task = task;
    this.#child = spawn(path, conmonArguments(task), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      // Times in the log are UTC whatever the host's zone.
      env: { PATH: process.env['PATH'], TZ: 'UTC', XDG_RUNTIME_DIR: '/run', _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4' },
    });
    this.#left = once(this.#child, 'close').catch(() => undefined);
    this.#child.stdio[4]?.on('error', () => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Before `create`: ends a conmon that will not be used. */
  async abandon(): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#destroyPipes();
    await this.#left;
  }

  /** Runs the runtime's create. config.json must be there. @throws RuntimeFailure */
  async create(): Promise<Watched> {
    const [sync, start] = [this.#child.stdio[3] as Readable, this.#child.stdio[4] as Writable];
    let stderr = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < SYNC_BYTES) stderr += text;
    });
    const failed = once(this.#child, 'error').then(([error]: unknown[]) => {
      throw new RuntimeFailure(`can't run conmon: ${String(error)}`);
    });
    const forked = once(this.#child, 'exit');
    failed.catch(() => undefined);
    forked.catch(() => undefined);
    try {
      start.end('\0');
      const answer = parseSync(await Promise.race([firstLine(sync), failed]));
      if (answer.pid === undefined) throw new RuntimeFailure([answer.message, stderr].join('\n').trim());
      // The process we spawned ends once it has written down the pid of the one that stays.
      await Promise.race([forked, failed]);
      const conmon = identify(Number(await readFile(this.#task.bundle.conmonPid, 'utf8')));
      const init = identify(answer.pid);
      if (init === undefined || conmon === undefined) throw new RuntimeFailure(`conmon or its container ended at once: ${stderr.trim()}`);
      return { init, conmon };
    } finally {
      this.#destroyPipes();
      this.#child.unref();
    }
  }

  #destroyPipes(): void {
    for (const stream of this.#child.stdio) stream?.destroy();
  }
}

function conmonArguments({ id, runtime, bundle, exitDir, log, ...io }: ConmonTask): string[] {
  return [
    ['--api-version', '1', '-c', id, '-u', id, '-n', id],
    ['-r', runtime.path, '--runtime-arg', '--root', '--runtime-arg', runtime.root],
    ['-b', bundle.dir, '-p', bundle.pid, '-P', bundle.conmonPid, '--exit-dir', exitDir, '-0', bundle.persist],
    logArguments(log),
    ['--no-sync-log', '--log-level', 'warning', '--full-attach'],
    io.tty ? ['-t'] : [],
    io.openStdin ? ['-i'] : [],
    // Else it ends the container's input with the first of our connections.
    io.openStdin && !inputEndsWithFirst(io) ? ['--leave-stdin-open'] : [],
  ].flat();
}

function logArguments({ path, wish }: ConmonTask['log']): string[] {
  if (wish?.driver === 'none') return ['-l', 'none'];
  const most = Math.max(LOG_HARD_LIMIT_BYTES, 2 * logBounds(wish).fileBytes);
  return ['-l', `k8s-file:${path}`, '--log-size-max', String(most)];
}

async function firstLine(stream: Readable): Promise<string> {
  let text = '';
  const deadline = setTimeout(
    () => stream.destroy(new RuntimeFailure(`no answer from the runtime within ${SYNC_TIMEOUT_MS / 1000} s`)),
    SYNC_TIMEOUT_MS,
  );
  try {
    for await (const chunk of stream.setEncoding('utf8')) {
      text += chunk;
      if (text.includes('\n') || text.length > SYNC_BYTES) break;
    }
    return text;
  } finally {
    clearTimeout(deadline);
  }
}

/** Older conmons say `pid`, newer `data`. No line at all means that conmon itself failed. */
export function parseSync(line: string): { readonly pid: number | undefined; readonly message: string } {
  try {
    const answer = JSON.parse(line) as { data?: number; pid?: number; message?: string } | null;
    const pid = answer?.data ?? answer?.pid ?? -1;
    return { pid: Number.isSafeInteger(pid) && pid > 0 ? pid : undefined, message: answer?.message ?? '' };
  } catch {
    return { pid: undefined, message: line === '' ? 'conmon ended without an answer' : `conmon answered ${JSON.stringify(line)}` };
  }
}
