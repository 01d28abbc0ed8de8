import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { must, until } from './shell.ts';

export interface PtyOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** 24 unless said. */
  readonly rows?: number;
  /** 80 unless said. */
  readonly columns?: number;
}

/**
 * Says which terminal it is, sets its size, runs the words, and says how they ended and whether the terminal is as it was.
 * A shell that runs jobs would be in the way: the words are this terminal's foreground process group, and get its signals.
 */
const WRAPPER = `
tty
stty rows "$1" cols "$2"
shift 2
before=$(stty -g)
"$@"
code=$?
after=$(stty -g)
if [ "$before" = "$after" ]; then echo; echo "[ended with $code]"; else stty sane; echo; echo "[terminal spoilt: $before became $after]"; fi
`;

/** A command on a pseudo-terminal of its own, made by script(1): what is typed, what is shown, how large it is. */
export class Pty {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  #shown = '';
  #read = 0;

  constructor(words: readonly string[], options: PtyOptions = {}) {
    const { env, rows = 24, columns = 80 } = options;
    const command = ['sh', '-c', WRAPPER, 'sh', String(rows), String(columns), ...words].map(quoted).join(' ');
    this.#child = spawn('script', ['-qc', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm', ...env } });
    this.#child.stdout.on('data', (data: Buffer) => (this.#shown += data.toString()));
    this.#child.stdin.on('error', () => {});
    this.#closed = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  /** All that was shown so far. */
  get shown(): string {
    return this.#shown;
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Waits until this is shown, after what was waited for before. Resolves to what was shown in between, and it. */
  async see(what: string | RegExp, timeoutMs?: number): Promise<string> {
    return until(
      `${what} on the terminal`,
      async () => {
        const rest = this.#shown.slice(this.#read);
        const [found = '', at = -1] =
          typeof what === 'string' ? [what, rest.indexOf(what)] : [what.exec(rest)?.[0], what.exec(rest)?.index];
        if (at < 0) throw new Error(JSON.stringify(rest.slice(-400)));
        this.#read += at + found.length;
        return rest.slice(0, at + found.length);
      },
      timeoutMs,
    );
  }

  /** As a user who pulls at the window: who runs on it is told. */
  async resize(rows: number, columns: number): Promise<void> {
    const device = /\/dev\/\S+/.exec(this.#shown)?.[0] ?? '';
    await must(['stty', '-F', device, 'rows', String(rows), 'cols', String(columns)]);
  }

  /** The exit code. @throws Error where the terminal is not as it was */
  async ended(timeoutMs?: number): Promise<number> {
    const [, code] = /\[ended with (\d+)\]/.exec(await this.see(/\[(ended with \d+|terminal spoilt: .*)\]/, timeoutMs)) ?? [];
    if (code === undefined) throw new Error(this.#shown.slice(-400));
    await this.#closed;
    return Number(code);
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
