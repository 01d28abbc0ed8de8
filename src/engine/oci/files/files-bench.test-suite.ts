import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { taskId } from '../../../core/model/index.ts';
import { A, B, logOptions } from '../../contract.test-suite.ts';
import type { ContainerSpec, WriteArchiveOptions } from '../../port.ts';
import { containerSpec, ON_HOST } from '../../spec.test-suite.ts';
import type { TarEntry } from '../images/unpack/pax.ts';
import { fixtureTar, type FixtureEntry } from '../images/unpack/tar-fixture.ts';
import { TarReader } from '../images/unpack/tar-reader.ts';
import { OciBench } from '../oci-bench.test-suite.ts';
import type { OciEngine } from '../oci-engine.ts';

export const never = new AbortController().signal;
export const KEEP: WriteArchiveOptions = { noOverwriteDirNonDir: false, copyUidGid: false };

export interface Found extends TarEntry {
  readonly content: string;
}

/** One container, and ways to its files. */
export class FilesBench {
  readonly bench: OciBench;
  readonly engine: OciEngine;
  /** A directory of the host's that no container may get at. */
  readonly secret: string;

  static async open(): Promise<FilesBench> {
    const bench = new OciBench();
    const engine = await bench.open();
    await engine.recover(() => true);
    return new FilesBench(bench, engine);
  }

  constructor(bench: OciBench, engine: OciEngine) {
    this.bench = bench;
    this.engine = engine;
    this.secret = join(bench.dir, 'secret');
    mkdirSync(this.secret);
    writeFileSync(join(this.secret, 'key'), 'the key');
  }

  async destroy(): Promise<void> {
    for (const id of [A, B]) await this.engine.remove(id, { volumes: true });
    await this.bench.destroy();
  }

  /** In the container's upper directory. */
  upper(path: string): string {
    return join(this.bench.dataDir, 'containers', A, 'upper', path);
  }

  create(change: Partial<ContainerSpec> = {}): Promise<void> {
    return this.engine.create(A, containerSpec({ command: ['sleep', '600'], ...change }), []);
  }

  /** Runs the script, and then for as long as it takes. */
  async run(script: string, change: Partial<ContainerSpec> = {}): Promise<void> {
    await this.create({ command: ['sh', '-c', `${script}\necho ready; exec sleep 600`], ...change });
    await this.engine.start(A, taskId(A, 1), ON_HOST);
    for await (const { data } of this.engine.logs(A, logOptions({ follow: true }))) if (data.toString() === 'ready\n') break;
  }

  write(path: string, entries: readonly FixtureEntry[], options = KEEP): Promise<void> {
    return this.engine.writeArchive(A, path, Readable.from([fixtureTar(entries)]), options);
  }

  async read(path: string): Promise<Found[]> {
    return unpacked((await this.engine.readArchive(A, path, never)).stream);
  }

  async names(path: string): Promise<string[]> {
    return (await this.read(path)).map(({ name }) => name);
  }

  async contentOf(path: string): Promise<string | undefined> {
    return (await this.read(path)).at(-1)?.content;
  }
}

export async function unpacked(stream: Readable): Promise<Found[]> {
  const found: Found[] = [];
  let [entry, content]: [TarEntry | undefined, Buffer[]] = [undefined, []];
  const reader = new TarReader({
    entry: (next) => {
      entry = next;
      content = [];
      if (next.type !== '0') found.push({ ...next, content: '' });
    },
    data: (chunk) => void content.push(Buffer.from(chunk)),
    endOfFile: () => void (entry && found.push({ ...entry, content: Buffer.concat(content).toString('latin1') })),
  });
  for await (const chunk of stream) reader.write(chunk as Buffer);
  reader.end();
  return found;
}
