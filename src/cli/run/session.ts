import type { Client, Hijacked } from '../../docker-api/client.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../docker-api/detach-keys.ts';
import { type Io, write } from '../io.ts';
import { containerPath } from '../paths.ts';
import { keepSize } from '../terminal/keep-size.ts';
import { enterRawMode } from '../terminal/raw-mode.ts';
import { type Sending, sendInput } from '../terminal/send-input.ts';
import { copyFrames, copyRaw } from './copy-frames.ts';
import { proxySignals } from './proxy-signals.ts';

/** How this command is to be at a container's standard streams. */
export interface SessionWish {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Whether the container has a terminal. */
  readonly tty: boolean;
  /** What was written before, too. */
  readonly logs: boolean;
  /** undefined: the usual ones. */
  readonly detachKeys: string | undefined;
  /** Whether signals that we get are passed on; never from a terminal, where keys are. */
  readonly sigProxy: boolean;
}

/** Our standard streams as a container's: its output is ours, our input, signals and size are its. */
export class Session {
  readonly #client: Client;
  readonly #io: Io;
  readonly #id: string;
  readonly #wish: SessionWish;
  readonly #streams: Hijacked;
  readonly #sending: Sending | undefined;
  readonly #undo: (() => void)[] = [];

  /** From its return on the container may start: nothing is missed. */
  static async open(client: Client, io: Io, id: string, wish: SessionWish): Promise<Session> {
    const { stdin, stdout, stderr, logs, detachKeys } = wish;
    const query = { stream: true, stdin: stdin || undefined, stdout, stderr, logs: logs || undefined, detachKeys };
    return new Session(client, io, id, wish, await client.hijack(containerPath(id, '/attach'), { query }));
  }

  private constructor(client: Client, io: Io, id: string, wish: SessionWish, streams: Hijacked) {
    this.#client = client;
    this.#io = io;
    this.#id = id;
    this.#wish = wish;
    this.#streams = streams;
    const { stdin, tty, sigProxy } = wish;
    if (sigProxy && !tty) this.#undo.push(proxySignals(client, io, id));
    if (stdin && tty && io.stdinIsTty) this.#undo.push(enterRawMode(io));
    if (stdin && streams.input !== undefined) this.#sending = sendInput(io.stdin, streams.input, tty ? keysOf(wish) : []);
  }

  /** The container runs. @param redraw it did before, too */
  running(redraw = false): void {
    if (this.#wish.tty && this.#io.stdoutIsTty) this.#undo.push(keepSize(this.#client, this.#io, this.#id, redraw));
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
    await write(
      this.#io.stderr,
      `\ncaravela: detached; ${this.#id.slice(0, 12)} runs on: \`caravela attach ${this.#id.slice(0, 12)}\` comes back\n`,
    );
  }
}

const keysOf = ({ detachKeys = '' }: SessionWish): readonly number[] =>
  parseDetachKeys(detachKeys === '' ? DEFAULT_DETACH_KEYS : detachKeys);
