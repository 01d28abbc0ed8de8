import { inputEndsWithFirst, type InputRules } from '../input-rules.ts';
import { type FanOptions, OutputFan } from '../output-fan.ts';
import type { AttachedStreams, AttachOptions, OutputPiece } from '../port.ts';

/** The standard streams of one fake process, or of the next; in memory. */
export class FakeStreams {
  readonly #rules: InputRules;
  readonly #options: FanOptions;
  #fan: OutputFan;
  #wake = (): void => undefined;
  #relieved: Promise<void> = Promise.resolve();
  #relieve = (): void => undefined;
  /** At most what every writer waits for: one piece each. */
  readonly #input: { readonly data: Uint8Array; readonly taken: () => void }[] = [];
  #inputEnded: boolean;

  constructor(rules: InputRules, options: FanOptions) {
    this.#rules = rules;
    this.#options = options;
    this.#fan = this.#newFan();
    this.#inputEnded = !rules.openStdin;
  }

  /** How many are attached. */
  get readers(): number {
    return this.#fan.size;
  }

  join({ stdin, signal }: AttachOptions): AttachedStreams {
    const mayWrite = stdin && this.#rules.openStdin;
    const endInput = (): void => {
      if (mayWrite && inputEndsWithFirst(this.#rules)) this.#endInput();
    };
    return { output: this.#fan.join(signal, endInput), write: async (data) => (mayWrite ? this.#write(data) : undefined), endInput };
  }

  /** Resolves when the readers let the process go on. */
  async put(piece: OutputPiece): Promise<void> {
    if (this.#fan.push(piece)) return;
    ({ promise: this.#relieved, resolve: this.#relieve } = Promise.withResolvers<void>());
    await this.#relieved;
  }

  /** What was written next; undefined at the input's end. */
  async take(): Promise<Buffer | undefined> {
    for (;;) {
      const next = this.#input.shift();
      if (next !== undefined) {
        next.taken();
        return Buffer.from(next.data);
      }
      if (this.#inputEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** No reader may hold the process up any more. */
  hurry(): void {
    this.#fan.hurry();
  }

  /** The engine that its readers came by is gone. */
  leaveAll(): void {
    this.#fan.end();
    this.#relieve();
    this.#fan = this.#newFan();
  }

  /** The process has ended. */
  close(): void {
    this.#endInput();
    for (const { taken } of this.#input.splice(0)) taken();
    this.#fan.end();
    this.#relieve();
  }

  #newFan(): OutputFan {
    return new OutputFan(this.#options, () => this.#relieve());
  }

  #endInput(): void {
    this.#inputEnded = true;
    this.#wake();
  }

  #write(data: Uint8Array): Promise<void> {
    if (this.#inputEnded) return Promise.resolve();
    return new Promise((taken) => {
      this.#input.push({ data, taken });
      this.#wake();
    });
  }
}
