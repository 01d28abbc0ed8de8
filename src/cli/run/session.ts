import type { Client, Hijacked } from '../../docker-api/client.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../docker-api/detach-keys.ts';
import type { ExecStartBody } from '../../docker-api/types.ts';
import { type Io, write } from '../io.ts';
import { containerPath, execPath } from '../paths.ts';
import { keepSize } from '../terminal/keep-size.ts';
import { enterRawMode } from '../terminal/raw-mode.ts';
import { type Sending, sendInput } from '../terminal/send-input.ts';
import { copyFrames, copyRaw } from './copy-frames.ts';
import { proxySignals } from './proxy-signals.ts';

/** How this command is to be at the standard streams of a process in a container. */
export interface SessionWish {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Whether it has a terminal. */
  readonly tty: boolean;
  /** What was written before, too. */
  readonly logs: boolean;
  /** undefined: the usual ones. */
  readonly detachKeys: string | undefined;
  /** Whether signals that we get are passed on; never from a terminal, where keys are. */
  readonly sigProxy: boolean;
}

/** The process at whose streams we are. */
interface Process {
  /** Its own in the API: a container's or an exec's. */
  readonly path: string;
  /** Gets our signals; undefined: nobody does. */
  readonly container: string | undefined;
  /** What a user is told who left it. */
  readonly farewell: string;
}

/** Our standard streams as those of a process in a container: its output is ours, our input, signals and size are its. */
export class Session {
  readonly #client: Client;
  readonly #io: Io;
  readonly #process: Process;
  readonly #wish: SessionWish;
  readonly #streams: Hijacked;
  readonly #sending: Sending | undefined;
  readonly #undo: (() => void)[] = [];

  /** From its return on the container may start: nothing is missed. */
  static async open(client: Client, io: Io, id: string, wish: SessionWish): Promise<Session> {
    const { stdin, stdout, stderr, logs, detachKeys } = wish;
    const query = { stream: true, stdin: stdin || undefined, stdout, stderr, logs: logs || undefined, detachKeys };
    const process = {
      path: containerPath(id),
      container: id,
      farewell: `detached; ${id.slice(0, 12)} runs on: \`caravela attach ${id.slice(0, 12)}\` comes back`,
    };
    return new Session(client, io, process, wish, await client.hijack(`${process.path}/attach`, { query }));
  }

  /** Starts what an exec was made for, and is at its streams. Signals are not passed on: the API has no way to. */
  static async exec(client: Client, io: Io, execId: string, wish: Omit<SessionWish, 'logs' | 'sigProxy'>): Promise<Session> {
    const size = wish.tty && io.stdoutIsTty ? io.terminal.size() : undefined;
    const body: ExecStartBody = { Detach: false, Tty: wish.tty, ...(size === undefined ? {} : { ConsoleSize: [size.rows, size.columns] }) };
    const process = { path: execPath(execId), container: undefined, farewell: 'detached; the process runs on' };
    return new Session(
      client,
      io,
      process,
      { ...wish, logs: false, sigProxy: false },
      await client.hijack(`${process.path}/start`, { body }),
    );
  }

  private constructor(client: Client, io: Io, process: Process, wish: SessionWish, streams: Hijacked) {
    this.#client = client;
    this.#io = io;
    this.#process = process;
    this.#wish = wish;
    this.#streams = streams;
    const { stdin, tty, sigProxy } = wish;
    if (sigProxy && !tty && process.container !== undefined) this.#undo.push(proxySignals(client, io, process.container));
    if (stdin && tty && io.stdinIsTty) this.#undo.push(enterRawMode(io));
    if (stdin && streams.input !== undefined) this.#sending = sendInput(io.stdin, streams.input, tty ? keysOf(wish) : []);
  }

  /** It runs. @param redraw it did before, too */
  running(redraw = false): void {
    if (this.#wish.tty && this.#io.stdoutIsTty) this.#undo.push(keepSize(this.#client, this.#io, this.#process.path, redraw));
  }

  /** Shows its output until that ends, or who typed wants to leave. */
  async show(): Promise<'ended' | 'detached'> {
    const { output } = this.#streams;
    const copied = (this.#wish.tty ? copyRaw(output, this.#io) : copyFrames(output, this.#io)).then(() => 'ended' as const);
    const detached = this.#sending?.detached.then(() => 'detached' as const);
    const outcome = await Promise.race(detached === undefined ? [copied] : [copied, detached]);
    // Broken off, its copy fails, and nobody looks any more.
    if (outcome === 'detached') copied.catch(() => {});
    return outcome;
  }

  /** Gives the terminal back. */
  close(): void {
    this.#sending?.stop();
    for (const undo of this.#undo.splice(0)) undo();
    this.#streams.output.destroy();
  }

  /** Gives the terminal back, and leaves the line on which its cursor stood: words of ours follow. */
  async leaveLine(): Promise<void> {
    this.close();
    if (this.#wish.tty && this.#io.stdoutIsTty) await write(this.#io.stderr, '\n');
  }

  /** What a user is told who left. */
  async sayDetached(): Promise<void> {
    await write(this.#io.stderr, `\ncaravela: ${this.#process.farewell}\n`);
  }
}

const keysOf = ({ detachKeys = '' }: SessionWish): readonly number[] =>
  parseDetachKeys(detachKeys === '' ? DEFAULT_DETACH_KEYS : detachKeys);
