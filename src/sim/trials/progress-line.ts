import type { TrialResult } from '../workloads/trial-result.ts';
import type { TrialProgress } from '../workloads/trial.ts';

/** How often a line is written; on a terminal it replaces the last one. */
const EVERY_MS = { terminal: 250, file: 15_000 } as const;

/** Trials take minutes: says on stderr how far one is. */
export class ProgressLine {
  readonly #label: string;
  readonly #startMs = Date.now();
  #shownMs = Date.now();

  constructor(label: string) {
    this.#label = label;
  }

  show({ done, placed, virtualSeconds }: TrialProgress): void {
    const every = process.stderr.isTTY ? EVERY_MS.terminal : EVERY_MS.file;
    if (Date.now() - this.#shownMs < every) return;
    this.#shownMs = Date.now();
    this.#write(`${(done * 100).toFixed(0)} %, ${placed} placed, ${virtualSeconds.toFixed(0)} virtual s`, process.stderr.isTTY ? '' : '\n');
  }

  end({ placed, submitted, virtualSeconds }: TrialResult): void {
    const seconds = (Date.now() - this.#startMs) / 1_000;
    this.#write(`${placed} of ${submitted} placed, ${virtualSeconds.toFixed(0)} virtual s in ${seconds.toFixed(1)} s`, '\n');
  }

  #write(text: string, end: string): void {
    process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${this.#label}: ${text}${end}`);
  }
}
