import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PassThrough, Readable, type Writable } from 'node:stream';
import { spawnChild } from '../../../linux/spawn-child.ts';
import { EngineError, FileError } from '../../port.ts';
import { type FilesOrder, type FilesReport, REPORT_FD } from './protocol.ts';
import { HUNG_AFTER_MS, watchProgress } from './watch-progress.ts';

const MAX_STDERR_BYTES = 4096;
/** An archive of which nothing has come for so long comes no more; it may be what a start waits for. */
const ARCHIVE_PATIENCE_MS = 60_000;

/** child.ts beside this file, or `files.mjs` beside the bundle that this file has become part of. */
const entry = (): string => (import.meta.filename.endsWith('.ts') ? `${import.meta.dirname}/child.ts` : `${import.meta.dirname}/files.mjs`);

export interface FilesChildOptions {
  /** Of a mount namespace, for a jail of kind `task`. */
  readonly taskMounts?: number;
  /** A tar for it to read. */
  readonly archive?: Readable;
  readonly signal?: AbortSignal;
  /** It is ended when it has got nowhere for so long, through nobody else's fault. */
  readonly hungAfterMs?: number;
}

/**
 * One process that looks at, or writes, files of one container: it is locked into them before it opens the first, and
 * ends with us, or when it hangs. @throws FileError, EngineError engine-failed, the signal's reason
 */
export class FilesChild {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal | undefined;
  readonly #reports: FilesReport[] = [];
  /** Node throws away what nobody has begun to read when a child ends: taken over from the start, it is kept. */
  readonly #output = new PassThrough();
  readonly #closed: Promise<void>;
  readonly #first = Promise.withResolvers<void>();
  #failure: Error | undefined;
  /** It was killed before all that it wrote had come over. */
  #isCut = false;

  constructor(order: Omit<FilesOrder, 'parent'>, { taskMounts, archive, signal, hungAfterMs = HUNG_AFTER_MS }: FilesChildOptions) {
    this.#signal = signal;
    const whole: FilesOrder = { ...order, parent: process.pid };
    const input = archive === undefined ? 'ignore' : 'pipe';
    this.#child = spawnChild(process.execPath, [entry(), JSON.stringify(whole)], {
      cwd: '/',
      env: {},
      stdio: [input, 'pipe', 'pipe', 'pipe', ...(taskMounts === undefined ? [] : [taskMounts])],
    });
    const kill = (): void => this.kill();
    signal?.addEventListener('abort', kill);
    let stderr = '';
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-MAX_STDERR_BYTES);
    });
    const reports = this.#child.stdio[REPORT_FD] as Readable;
    createInterface({ input: reports }).on('line', (line) => {
      const report = parseReport(line);
      if (report === undefined) return;
      this.#reports.push(report);
      this.#first.resolve();
    });
    this.#child.stdout?.on('error', () => undefined);
    this.#child.stdout?.pipe(this.#output);
    const stopWatching = this.#watch(hungAfterMs, archive);
    this.#closed = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        stopWatching();
        this.#failure ??= new EngineError('engine-failed', `can't look at the container's files: ${error.message}`);
        this.#first.resolve();
        resolve();
      });
      this.#child.on('close', (code, killedBy) => {
        stopWatching();
        signal?.removeEventListener('abort', kill);
        this.#failure ??= this.#endOf(`${killedBy ?? code}. ${stderr.trim()}`);
        this.#first.resolve();
        resolve();
      });
    });
    if (archive !== undefined && this.#child.stdin !== null) this.#feed(archive, this.#child.stdin);
  }

  /** Never rejects. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  kill(): void {
    if (!this.#output.writableEnded) this.#cut();
    this.#child.kill('SIGKILL');
  }

  /** What it wrote is not wanted any more, and is thrown away: kept for who never takes it, it would keep the child from closing. */
  #cut(): void {
    const { stdout } = this.#child;
    this.#isCut = true;
    stdout?.unpipe(this.#output);
    stdout?.resume();
    this.#output.end();
  }

  /** Its first report. What it has to say in one comes before any of its output. */
  async first(): Promise<FilesReport> {
    await this.#first.promise;
    const [report] = this.#reports;
    if (report === undefined || report.kind === 'failed') {
      await this.#closed;
      throw this.#reason();
    }
    return report;
  }

  /** Resolves when it has done all it was told. */
  async done(): Promise<readonly FilesReport[]> {
    // Nobody asked for its output where this is awaited.
    this.#output.resume();
    await this.#closed;
    if (this.#isCut || this.#reports.at(-1)?.kind !== 'done') throw this.#reason();
    return this.#reports;
  }

  /** What it writes. Fails where the child does; who stops reading ends it. */
  output(): Readable {
    const output = Readable.from(this.#chunks(), { objectMode: false });
    // Who lets go before having read anything never comes into the generator, nor out of it.
    output.once('close', () => this.kill());
    return output;
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of this.#output) yield chunk as Buffer;
      await this.done();
    } finally {
      this.kill();
    }
  }

  #reason(): Error {
    if (this.#signal?.aborted === true) return this.#signal.reason as Error;
    return this.#failure ?? new EngineError('engine-failed', "can't look at the container's files");
  }

  #endOf(how: string): Error | undefined {
    const last = this.#reports.at(-1);
    if (last?.kind === 'done') return undefined;
    if (last?.kind !== 'failed') return new EngineError('engine-failed', `looking at the container's files ended with ${how}`);
    return last.code === 'failed' ? new EngineError('engine-failed', last.message) : new FileError(last.code, last.message);
  }

  #give(failure: Error): void {
    this.#failure ??= failure;
    this.kill();
  }

  #watch(patienceMs: number, archive: Readable | undefined): () => void {
    const { pid, stdin } = this.#child;
    if (pid === undefined) return () => undefined;
    const waitsForArchive = (): boolean => archive?.readableEnded === false && stdin?.writableLength === 0;
    return watchProgress(pid, {
      patienceMs,
      isKeptWaiting: () => this.#output.writableNeedDrain || waitsForArchive(),
      onHung: () => {
        const howLong = `for ${patienceMs / 1000} s`;
        const words = `looking at the container's files got no further ${howLong}: is what is mounted in it, as a server's files, still there?`;
        this.#give(new EngineError('engine-failed', words));
      },
    });
  }

  #feed(archive: Readable, input: Writable): void {
    let patience = setTimeout(() => undefined, 0);
    const wait = (): void => {
      clearTimeout(patience);
      const late = `the archive stopped coming: nothing of it for ${ARCHIVE_PATIENCE_MS / 1000} s`;
      patience = setTimeout(() => {
        // It would come, if the child took it.
        if (input.writableNeedDrain) wait();
        else this.#give(new FileError('bad-archive', late));
      }, ARCHIVE_PATIENCE_MS);
    };
    const error = (cause: Error): void => this.#give(new FileError('bad-archive', `the archive can't be read: ${cause.message}`));
    const close = (): void => {
      if (!archive.readableEnded) error(new Error('it ended before its end'));
    };
    wait();
    if (archive.destroyed) close();
    archive.on('data', wait).on('error', error).on('close', close);
    // The child may have seen enough, or failed: it says so itself.
    input.on('error', () => archive.unpipe(input));
    archive.pipe(input);
    const leave = async (): Promise<void> => {
      await this.#closed;
      clearTimeout(patience);
      // Its failure stays ours to hear: unheard it would be the whole daemon's.
      archive.off('data', wait).off('close', close);
      archive.unpipe(input);
    };
    void leave();
  }
}

/** Undefined for a line that a killed child couldn't finish. */
function parseReport(line: string): FilesReport | undefined {
  try {
    return JSON.parse(line) as FilesReport;
  } catch {
    return undefined;
  }
}
