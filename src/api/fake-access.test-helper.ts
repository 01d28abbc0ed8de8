import { PassThrough, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import type { Container, ContainerId } from '../core/model/index.ts';
import { FakeStreams } from '../engine/fake/fake-streams.ts';
import { FAN } from '../engine/output-fan.ts';
import {
  type ContainerHealth,
  type ContainerStats,
  EngineError,
  type ExecSpec,
  type FileAccess,
  FileError,
  type PathStat,
  type ProcessAccess,
  type RunningExec,
  type WriteArchiveOptions,
} from '../engine/port.ts';

const GO_DIRECTORY = 0x8000_0000;

/** Processes and files of a fake node's containers. Of processes, `cat` copies, `exit N` ends, the rest runs until a test ends it. */
export class FakeAccess implements ProcessAccess, FileAccess {
  readonly execs: FakeExec[] = [];
  /** Contents by absolute path, of all containers alike; null: a directory. */
  readonly files = new Map<string, string | null>([
    ['/', null],
    ['/etc', null],
    ['/etc/hostname', 'box\n'],
  ]);
  readonly written: { readonly path: string; readonly options: WriteArchiveOptions }[] = [];
  /** Bytes of exported file systems, given out piece by piece. */
  rootBytes = 1_000;
  exportedBytes = 0;
  statsTaken = 0;
  readonly healths = new Map<ContainerId, ContainerHealth>();
  readonly #containerOf: (id: ContainerId) => Container | undefined;

  constructor(containerOf: (id: ContainerId) => Container | undefined) {
    this.#containerOf = containerOf;
  }

  async exec(id: ContainerId, spec: ExecSpec): Promise<RunningExec> {
    const { task } = this.#of(id);
    if (task?.state !== 'running') throw new EngineError('wrong-state', `container ${id} is not running`);
    if (task.paused === true) throw new EngineError('wrong-state', `container ${id} is paused`);
    if (spec.argv[0] === 'nosuch') {
      throw new EngineError(
        'engine-failed',
        'exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
      );
    }
    const exec = new FakeExec(spec);
    this.execs.push(exec);
    return exec;
  }

  async top(id: ContainerId, psArguments: readonly string[]) {
    if (this.#of(id).task?.state !== 'running') throw new EngineError('wrong-state', `Container ${id} is not running`);
    return { titles: ['PID', 'CMD'], processes: [['4711', `sleep 60 ${psArguments.join(' ')}`.trim()]] };
  }

  async stats(id: ContainerId): Promise<ContainerStats | undefined> {
    if (this.#of(id).task?.state !== 'running') return undefined;
    const n = ++this.statsTaken;
    return {
      cpu: {
        usageNs: n * 500_000_000,
        perCpuNs: [n * 300_000_000, n * 200_000_000],
        userNs: n * 400_000_000,
        kernelNs: n * 100_000_000,
        periods: 1,
        throttledPeriods: 0,
        throttledNs: 0,
        systemNs: n * 2_000_000_000,
        onlineCpus: 2,
      },
      memory: { usage: 5_000_000, limit: 10_000_000, details: { total_inactive_file: 1_000_000, inactive_file: 1_000_000 } },
      pids: { current: 3, limit: 0 },
      blockIo: [{ major: 8, minor: 0, readBytes: 100, writtenBytes: 200, reads: 1, writes: 2 }],
      networks: {
        eth0: { rxBytes: 10, rxPackets: 1, rxErrors: 0, rxDropped: 0, txBytes: 20, txPackets: 2, txErrors: 0, txDropped: 0 },
      },
    };
  }

  async health(id: ContainerId): Promise<ContainerHealth | undefined> {
    this.#of(id);
    return this.healths.get(id);
  }

  async statPath(id: ContainerId, path: string): Promise<PathStat> {
    this.#of(id);
    const content = this.files.get(path);
    if (content === undefined) throw new FileError('no-such-path', `Could not find the file ${path}`);
    const isDirectory = content === null;
    return {
      name: path.split('/').at(-1) || '/',
      sizeBytes: isDirectory ? 4096 : content.length,
      mode: isDirectory ? GO_DIRECTORY + 0o755 : 0o644,
      modifiedAtMs: 1_700_000_000_000,
      linkTarget: '',
    };
  }

  async readArchive(id: ContainerId, path: string, signal: AbortSignal) {
    const stat = await this.statPath(id, path);
    const tar = pack();
    for (const [file, content] of this.files) {
      if (file !== path && !file.startsWith(`${path}/`)) continue;
      const name = `${stat.name}${file.slice(path.length)}`;
      if (content === null) tar.entry({ name: `${name}/`, type: 'directory' });
      else tar.entry({ name }, content);
    }
    tar.finalize();
    const stream = tar.pipe(new PassThrough());
    signal.addEventListener('abort', () => stream.destroy(), { once: true });
    return { stat, stream };
  }

  async writeArchive(id: ContainerId, path: string, archive: Readable, options: WriteArchiveOptions): Promise<void> {
    const into = await this.statPath(id, path);
    if (into.mode < GO_DIRECTORY) throw new FileError('not-a-directory', 'extraction point is not a directory');
    this.written.push({ path, options });
    const untar = extract();
    const first = await archive[Symbol.asyncIterator]().next();
    const chunks = first.done === true ? [] : [first.value as Buffer];
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
    const bytes = Readable.from([Buffer.concat(chunks)]);
    (chunks[0]?.[0] === 0x1f ? bytes.pipe(createGunzip()) : bytes).pipe(untar);
    for await (const entry of untar) {
      let text = '';
      for await (const chunk of entry as AsyncIterable<Buffer>) text += chunk.toString();
      const { name, type } = entry.header;
      this.files.set(`${path === '/' ? '' : path}/${name.replace(/\/$/, '')}`, type === 'directory' ? null : text);
    }
  }

  async exportRoot(id: ContainerId): Promise<Readable> {
    this.#of(id);
    let left = this.rootBytes;
    const exported = (bytes: number): void => {
      this.exportedBytes += bytes;
    };
    return new Readable({
      read(wanted) {
        const bytes = Math.min(wanted, left);
        left -= bytes;
        exported(bytes);
        this.push(bytes === 0 ? null : Buffer.alloc(bytes));
      },
    });
  }

  async exportLayer(id: ContainerId): Promise<Readable> {
    this.#of(id);
    return Readable.from([Buffer.alloc(512)]);
  }

  async changes(id: ContainerId) {
    this.#of(id);
    return [
      { path: '/etc', kind: 'modified' as const },
      { path: '/etc/gone', kind: 'deleted' as const },
      { path: '/etc/new', kind: 'added' as const },
    ];
  }

  async sizes(id: ContainerId) {
    this.#of(id);
    return { writtenBytes: 12, rootBytes: 4_000_012 };
  }

  #of(id: ContainerId): Container {
    const container = this.#containerOf(id);
    if (container === undefined) throw new EngineError('no-such-container', `No such container: ${id}`);
    return container;
  }
}

/** A process that a test ends. */
export class FakeExec implements RunningExec {
  readonly pid = 4712;
  readonly spec: ExecSpec;
  readonly output: RunningExec['output'];
  readonly exitCode: Promise<number>;
  /** As `rows columns`. */
  readonly sizes: string[] = [];
  isDetached = false;
  readonly #leaving = new AbortController();
  readonly #streams: FakeStreams;
  readonly #attached: ReturnType<FakeStreams['join']>;
  #settle: (code: number) => void = () => undefined;

  constructor(spec: ExecSpec) {
    this.spec = spec;
    this.#streams = new FakeStreams({ openStdin: spec.stdin, stdinOnce: true, tty: spec.tty }, FAN);
    this.#attached = this.#streams.join({ stdin: true, signal: this.#leaving.signal });
    this.output = this.#attached.output;
    this.exitCode = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const [program, argument] = spec.argv;
    if (program === 'cat') void this.#copy();
    if (program === 'exit') this.end(Number(argument));
    if (program === 'echo') void this.put('stdout', `${argument}\n`).then(() => this.end(0));
  }

  /** Resolves when the reader lets it go on. */
  put(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    return this.#streams.put({ stream, data: Buffer.from(text) });
  }

  /** From now on a reader that is behind is let go. */
  hurry(): void {
    this.#streams.hurry();
  }

  end(code: number): void {
    this.#streams.close();
    this.#settle(code);
  }

  write(data: Uint8Array): Promise<void> {
    return this.#attached.write(data);
  }

  endInput(): void {
    this.#attached.endInput();
  }

  async resize({ rows, columns }: { readonly rows: number; readonly columns: number }): Promise<void> {
    this.sizes.push(`${rows} ${columns}`);
  }

  detach(): void {
    this.isDetached = true;
    this.#leaving.abort();
  }

  async #copy(): Promise<void> {
    for (let data = await this.#streams.take(); data !== undefined; data = await this.#streams.take()) {
      await this.#streams.put({ stream: 'stdout', data });
    }
    this.end(0);
  }
}
