import { identify, type ProcessIdentity, SIGKILL, signalProcess } from '../../../linux/process-identity.ts';
import type { AttachedStreams, OutputPiece, TerminalSize } from '../../port.ts';
import type { ProbeExec } from '../../health/run-probe.ts';
import { resizeTerminal } from '../tell-conmon.ts';
import type { StartedExec } from './conmon-exec.ts';

const KILLED_EXIT_CODE = 137;

/** One that was started by this engine. */
export class OciExec implements ProbeExec {
  readonly pid: number;
  readonly output: AsyncIterable<OutputPiece>;
  readonly exitCode: Promise<number>;
  readonly #attached: AttachedStreams;
  readonly #leaving: AbortController;
  readonly #control: string | undefined;
  readonly #process: ProcessIdentity | undefined;

  /** @param attached since before it ran, until `leaving` aborts. @param control conmon's fifo; undefined where there is no terminal */
  constructor(attached: AttachedStreams, leaving: AbortController, started: StartedExec, control: string | undefined) {
    this.pid = started.pid;
    this.#attached = attached;
    this.#leaving = leaving;
    this.output = attached.output;
    this.#control = control;
    this.#process = identify(started.pid);
    this.exitCode = endOf(started, this.#process);
  }

  write(data: Uint8Array): Promise<void> {
    return this.#attached.write(data);
  }

  endInput(): void {
    this.#attached.endInput();
  }

  async resize(size: TerminalSize): Promise<void> {
    if (this.#control !== undefined) await resizeTerminal(this.#control, size);
  }

  kill(): void {
    if (this.#process !== undefined) signalProcess(this.#process, SIGKILL);
  }

  detach(): void {
    this.#leaving.abort();
  }
}

/** Where conmon is gone without a word nobody would see the process end: it is ended here. */
async function endOf({ exitCode }: StartedExec, process: ProcessIdentity | undefined): Promise<number> {
  const code = await exitCode;
  if (code === undefined && process !== undefined) signalProcess(process, SIGKILL);
  return code ?? KILLED_EXIT_CODE;
}
