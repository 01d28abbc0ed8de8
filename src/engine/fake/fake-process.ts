import { parseScript, type Step } from './script.ts';
import type { LogStream, TerminalSize } from '../port.ts';

/** What a process may do to the world around it. */
export interface ProcessHost {
  /** Resolves when the process may go on. */
  write(stream: LogStream, data: Buffer): Promise<void>;
  /** undefined at the end of its input. */
  read(): Promise<Buffer | undefined>;
  exit(code: number): void;
}

export interface ProcessContext {
  readonly env: ReadonlyMap<string, string>;
  readonly workingDir: string;
  readonly hostname: string;
  readonly uid: number;
  size(): TerminalSize;
}

const SIGKILL = 9;
const SIGNALS: Readonly<Record<string, number>> = { HUP: 1, INT: 2, USR1: 10, USR2: 12, TERM: 15 };
/** Steps at one go: a loop without a sleep must let others run, too. */
const HOPS_PER_TURN = 100;

/**
 * Plays a command that a busybox would run: true, false, echo, printf, sleep, cat, env, id, pwd, hostname, stty size, and
 * `sh -c` with these, exit, trap and `while true`. Anything else was refused at start. As process 1 of its
 * container it gets no signal that it has no trap for, SIGKILL apart.
 */
export class FakeProcess {
  readonly #host: ProcessHost;
  readonly #context: ProcessContext;
  readonly #traps = new Map<number, readonly Step[]>();
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #paused = false;
  /** What happens when it is not paused any more. */
  #later: (() => void)[] = [];

  constructor(argv: readonly string[], context: ProcessContext, host: ProcessHost) {
    this.#host = host;
    this.#context = context;
    this.#timer = setTimeout(() => this.#go(parseScript(argv), 0), 0);
  }

  /** Does nothing until `resume`; a sleep that ends meanwhile has ended then. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const work of this.#later.splice(0)) work();
  }

  signal(number: number): void {
    if (this.#ended) return;
    if (this.#paused) {
      this.#later.push(() => this.signal(number));
      return;
    }
    const trap = this.#traps.get(number);
    if (number === SIGKILL) this.end(128 + SIGKILL);
    else if (trap !== undefined && trap.length > 0) {
      clearTimeout(this.#timer);
      this.#go(trap, 0);
    }
  }

  end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#host.exit(code);
  }

  #go(steps: readonly Step[], hops: number): void {
    if (this.#ended) return;
    if (this.#paused) {
      this.#later.push(() => this.#go(steps, hops));
      return;
    }
    const [step, ...rest] = steps;
    if (step === undefined) return this.end(0);
    const next = (afterMs: number): void => {
      if (afterMs === 0 && hops < HOPS_PER_TURN) this.#go(rest, hops + 1);
      else this.#timer = setTimeout(() => this.#go(rest, 0), afterMs);
    };
    switch (step.kind) {
      case 'write':
        void goOnAfter(this.#host.write(step.stream, Buffer.from(this.#expand(step.text))), next);
        return;
      case 'copy':
        void goOnAfter(this.#copy(), next);
        return;
      case 'sleep':
        return next(step.ms);
      case 'exit':
        return this.end(step.code);
      case 'trap':
        for (const name of step.signals) this.#traps.set(SIGNALS[name] ?? Number(name), step.steps);
        return next(0);
      case 'forever':
        this.#go([...step.steps, step], hops + 1);
        return;
    }
  }

  async #copy(): Promise<void> {
    for (let data = await this.#host.read(); data !== undefined && !this.#ended; data = await this.#host.read()) {
      if (this.#paused) await new Promise<void>((resolve) => void this.#later.push(resolve));
      await this.#host.write('stdout', data);
    }
  }

  /** `$NAME`, and what the context alone knows. */
  #expand(text: string): string {
    const { env, workingDir, hostname, uid } = this.#context;
    const { rows, columns } = this.#context.size();
    return text
      .replaceAll('\0pwd', workingDir)
      .replaceAll('\0hostname', hostname)
      .replaceAll('\0uid', String(uid))
      .replaceAll('\0size', `${rows} ${columns}`)
      .replaceAll('\0env', [...env].map(([name, value]) => `${name}=${value}\n`).join(''))
      .replace(/\$(\w+)/g, (_, name: string) => env.get(name) ?? '');
  }
}

async function goOnAfter(work: Promise<void>, goOn: (afterMs: number) => void): Promise<void> {
  await work;
  goOn(0);
}
