import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { identify, type ProcessIdentity } from '../../../linux/process-identity.ts';
import { spawnChild } from '../../../linux/spawn-child.ts';
import { inputEndsWithFirst } from '../../input-rules.ts';
import { parseSync } from '../conmon.ts';
import type { ExecPaths } from '../engine-paths.ts';
import { type Runtime, RuntimeFailure } from '../runtime.ts';
import { boundedLines } from './bounded-lines.ts';

export interface ExecTask {
  readonly containerId: string;
  readonly runtime: Runtime;
  readonly paths: ExecPaths;
  readonly tty: boolean;
  readonly stdin: boolean;
}

export interface StartedExec {
  readonly pid: number;
  /** undefined: it has ended already, and conmon with it. */
  readonly conmon: ProcessIdentity | undefined;
  /** undefined: conmon ended without a word. Never rejects. */
  readonly exitCode: Promise<number | undefined>;
}

/** A runtime that takes longer hangs: the container may be starved of memory or CPU. */
const TIMEOUT_MS = 60_000;
const LINE_BYTES = 1024 * 1024;

/**
 * One process in a running container, watched by a conmon of its own, with a terminal or without: one way for all.
 * The runtime's own `exec` with plain pipes would be 5 of 45 ms faster, but ends with the daemon, or by SIGPIPE soon
 * after, and knows no size of a terminal from the first instruction on.
 *
 * The talk, as with a container's (conmon.ts), has one step more: a byte to the start pipe, a line on the attach pipe
 * when there is a socket to attach to, a second byte, then the runtime's `exec` is run. The sync pipe says
 * `{"data": pid}` and, at the end, `{"data": exit code}`; it is said once more in a file, named by the container's id.
 */
export class ConmonExec {
  readonly #child;
  readonly #task: ExecTask;
  readonly #trouble = Promise.withResolvers<never>();
  readonly #closed: Promise<unknown>;

  /** Spawns conmon, which then waits for `start`; its directory must exist. */
  constructor(path: string, task: ExecTask) {
    this.#task = task;
    this.#child = spawnChild(path, execArguments(task), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: '/run', _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4', _OCI_ATTACHPIPE: '5' },
    });
    this.#trouble.promise.catch(() => undefined);
    this.#child.on('error', (error) => this.#trouble.reject(new RuntimeFailure(`can't run conmon: ${String(error)}`)));
    this.#closed = once(this.#child, 'close').catch(() => undefined);
    for (const stream of this.#child.stdio) stream?.on('error', () => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** process.json must be there. @param attachable is called before anything of it runs. @throws RuntimeFailure: then nothing is left of it but files */
  async start(attachable: () => void): Promise<StartedExec> {
    const [sync, starting, attach] = [3, 4, 5].map((fd) => this.#child.stdio[fd]) as [Readable, Writable, Readable];
    let stderr = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < LINE_BYTES) stderr += text;
    });
    const trouble = this.#trouble;
    const deadline = setTimeout(() => {
      trouble.reject(new RuntimeFailure(`no answer from the runtime within ${TIMEOUT_MS / 1_000} s`));
    }, TIMEOUT_MS);
    const forked = once(this.#child, 'exit').catch(() => undefined);
    const lines = boundedLines(sync, LINE_BYTES);
    try {
      starting.write('\0');
      const ready = await Promise.race([trouble.promise, boundedLines(attach, LINE_BYTES).next()]);
      if (ready.done !== true) attachable();
      starting.end('\0');
      const answer = await Promise.race([trouble.promise, lines.next()]);
      const { pid, message } = parseSync(answer.done === true ? '' : answer.value);
      if (pid === undefined) throw new RuntimeFailure([message, stderr].join('\n').trim());
      // The process we spawned ends once it has written down the pid of the one that stays.
      await Promise.race([forked, trouble.promise]);
      const conmon = identify(Number(await readFile(this.#task.paths.conmonPid, 'utf8')));
      return { pid, conmon, exitCode: this.#end(lines) };
    } catch (error) {
      sync.destroy();
      throw error;
    } finally {
      clearTimeout(deadline);
      (sync as Socket).unref();
      for (const stream of this.#child.stdio) if (stream !== sync) stream?.destroy();
      this.#child.unref();
    }
  }

  /** Before `start`: ends a conmon that will not be used. */
  async abandon(): Promise<void> {
    this.#child.kill('SIGKILL');
    for (const stream of this.#child.stdio) stream?.destroy();
    await this.#closed;
  }

  async #end(lines: AsyncGenerator<string, undefined>): Promise<number | undefined> {
    const said = await lines.next().catch(() => undefined);
    await lines.return(undefined);
    return exitCodeIn(said?.value) ?? (await this.#written());
  }

  async #written(): Promise<number | undefined> {
    const { paths, containerId } = this.#task;
    const text = await readFile(join(paths.dir, containerId), 'latin1').catch(() => '');
    return /^\d+$/.test(text) ? Number(text) : undefined;
  }
}

/** undefined: none is in this line. */
export function exitCodeIn(line: string | undefined): number | undefined {
  const code = /^\s*\{\s*"(?:data|exit_code)":\s*(\d{1,9})\b/.exec(line ?? '')?.[1];
  return code === undefined ? undefined : Number(code);
}

function execArguments({ containerId, runtime, paths, tty, stdin }: ExecTask): string[] {
  return [
    ['--api-version', '1', '-c', containerId, '-u', paths.dir, '-n', containerId],
    ['-r', runtime.path, '--runtime-arg', '--root', '--runtime-arg', runtime.root],
    ['-b', paths.dir, '-p', paths.pid, '-P', paths.conmonPid, '--exit-dir', paths.dir],
    ['-l', 'none', '--log-level', 'warning', '--full-attach'],
    ['-e', '--exec-attach', '--exec-process-spec', paths.process],
    tty ? ['-t'] : [],
    stdin ? ['-i'] : [],
    // Else it ends the input with the first of our connections.
    stdin && !inputEndsWithFirst({ openStdin: stdin, stdinOnce: true, tty }) ? ['--leave-stdin-open'] : [],
  ].flat();
}
