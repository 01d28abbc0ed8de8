import { mkdirSync, rmSync } from 'node:fs';
import { commandLine, type Launch } from './command.ts';
import { type Ended, endEarlier, EtcdProcess } from './etcd-process.ts';
import type { MemberFiles } from './files.ts';

export interface SupervisorOptions {
  readonly files: MemberFiles;
  /** The etcd program and what runs it. */
  readonly etcd: () => readonly string[];
  readonly log: (level: 'debug' | 'info' | 'warn', message: string, facts: Readonly<Record<string, unknown>>) => void;
  readonly nowMs: () => number;
  /** Its cluster does not want it any more; it has ended and is not started again. */
  readonly onRemoved: () => void;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** After a run of this length the next failure is the first again. */
const HEALTHY_MS = 30_000;

/** Keeps one etcd running with what it is to be run with, until told to stop. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #launch: Launch | undefined;
  #process: EtcdProcess | undefined;
  #work: Promise<void> | undefined;
  #wake: () => void = () => {};
  #lastWords: string | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Why it does not run, where it ended and has not been up since. */
  get trouble(): string | undefined {
    return this.#lastWords;
  }

  /** Starts it, or starts it anew where it is to be run otherwise than it is. */
  run(launch: Launch): void {
    const before = this.#launch;
    this.#launch = launch;
    if (before === undefined) {
      // A supervisor that was just stopped may still be at it.
      this.#work = (this.#work ?? Promise.resolve()).then(() => this.#supervise());
    } else if (before.ip !== launch.ip || before.peerPort !== launch.peerPort) {
      this.#wake();
      void this.#process?.stop();
    }
  }

  async stop(): Promise<void> {
    this.#launch = undefined;
    this.#wake();
    await this.#process?.stop();
    await this.#work;
  }

  /** It answers: what it said at its last end is of no interest any more. */
  isUp(): void {
    this.#lastWords = undefined;
  }

  async #supervise(): Promise<void> {
    const { files, nowMs } = this.#options;
    await endEarlier(files.process);
    let failures = 0;
    while (this.#launch !== undefined) {
      const launched = this.#launch;
      const startedMs = nowMs();
      const ended = await this.#runOnce(launched);
      if (this.#launch === undefined) return;
      if (ended.wasRemoved) {
        this.#launch = undefined;
        this.#options.onRemoved();
        return;
      }
      if (this.#launch !== launched && this.#launch.ip !== launched.ip) continue;
      failures = nowMs() - startedMs > HEALTHY_MS ? 1 : failures + 1;
      await this.#pause(ended, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)));
    }
  }

  async #runOnce(launch: Launch): Promise<Ended> {
    const { files, etcd, log } = this.#options;
    try {
      const program = etcd();
      if (program.length === 0) throw new Error('etcd is not installed on this host any more');
      mkdirSync(files.data, { recursive: true, mode: 0o700 });
      // One that was killed leaves its socket, and etcd does not take it away.
      rmSync(files.socket, { force: true });
      this.#process = new EtcdProcess(commandLine(program, files, launch), files.runDir, files.process, log);
      return await this.#process.ended;
    } catch (error) {
      return { wasRemoved: false, words: (error as Error).message };
    } finally {
      this.#process = undefined;
    }
  }

  #pause(ended: Ended, pauseMs: number): Promise<void> {
    const isNews = ended.words !== this.#lastWords;
    this.#lastWords = ended.words;
    this.#options.log(isNews ? 'warn' : 'debug', 'the agreement engine (etcd) ended and is started again', { why: ended.words, pauseMs });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
