import type { ProbeExec } from '../health/run-probe.ts';
import type { FanOptions } from '../output-fan.ts';
import { type AttachedStreams, EngineError, type ExecSpec, type OutputPiece, type TerminalSize } from '../port.ts';
import { FakeProcess, type ProcessContext } from './fake-process.ts';
import { FakeStreams } from './fake-streams.ts';
import { canPlay } from './script.ts';

/** A process that was started in a fake container. */
export class FakeExec implements ProbeExec {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly output: AsyncIterable<OutputPiece>;
  readonly exitCode: Promise<number>;
  readonly process: FakeProcess;
  readonly #attached: AttachedStreams;
  readonly #leaving = new AbortController();
  readonly #tty: boolean;
  #size: TerminalSize;

  /** @param ended is told once. @throws EngineError for a program that can't be played */
  constructor(pid: number, spec: ExecSpec, context: Omit<ProcessContext, 'size'>, fan: FanOptions, ended: () => void) {
    const { argv, tty, stdin } = spec;
    if (!canPlay(argv)) {
      throw new EngineError(
        'engine-failed',
        `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(argv[0])}: executable file not found in $PATH: unknown`,
      );
    }
    this.pid = pid;
    this.argv = argv;
    this.#tty = tty;
    this.#size = spec.terminalSize ?? { rows: 24, columns: 80 };
    const streams = new FakeStreams({ openStdin: stdin, stdinOnce: true, tty }, fan);
    this.#attached = streams.join({ stdin, signal: this.#leaving.signal });
    this.output = this.#attached.output;
    const end = Promise.withResolvers<number>();
    this.exitCode = end.promise;
    this.process = new FakeProcess(
      argv,
      { ...context, size: () => this.#size },
      {
        write: (stream, data) => streams.put({ stream: tty ? 'stdout' : stream, data }),
        read: () => streams.take(),
        exit: (code) => {
          streams.close();
          end.resolve(code);
          ended();
        },
      },
    );
  }

  write(data: Uint8Array): Promise<void> {
    return this.#attached.write(data);
  }

  endInput(): void {
    this.#attached.endInput();
  }

  async resize(size: TerminalSize): Promise<void> {
    if (this.#tty) this.#size = size;
  }

  kill(): void {
    this.process.end(137);
  }

  detach(): void {
    this.#leaving.abort();
  }
}
