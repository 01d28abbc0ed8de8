/**
 * The volumes of one node: `volumes/NAME/_data` is what containers see, `volumes/NAME/volume.json` what was said when it
 * was made. A directory of a volume's name is a whole one: it is made, and taken away, under another name, which no
 * volume can have. Who uses which volume is kept in memory only; the engine says it again after a restart.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../../linux/system-error.ts';
import type { ContainerId } from '../../../core/model/index.ts';
import { VolumeError, type VolumeStore, type VolumeSummary } from '../../port.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { treeSize } from '../files/tree-size.ts';
import { checkVolumeName } from './volume-name.ts';

type VolumeRecord = Pick<VolumeSummary, 'createdAtMs' | 'labels' | 'options' | 'anonymous'>;
export type VolumeWish = Parameters<VolumeStore['create']>[0];

/** What is under way has a name that no volume can have. */
const TEMPORARY = '.tmp-';
const COPYING = 'copying';

export class OciVolumes implements VolumeStore {
  readonly #dir: string;
  readonly #log: (message: string) => void;
  readonly #lock = new KeyedLock<string>();
  readonly #records = new Map<string, VolumeRecord>();
  /** By volume. */
  readonly #users = new Map<string, Set<ContainerId>>();
  #opened: Promise<void> | undefined;
  #nextTemporary = 0;

  /** @param dir made if missing; one OciVolumes at a time */
  constructor(dir: string, log: (message: string) => void) {
    this.#dir = dir;
    this.#log = log;
    mkdirSync(dir, { recursive: true, mode: 0o711 });
  }

  async list(): Promise<readonly VolumeSummary[]> {
    await this.#open();
    return [...this.#records].map(([name, record]) => this.#summary(name, record)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async inspect(name: string): Promise<VolumeSummary | undefined> {
    await this.#open();
    const record = this.#records.get(name);
    return record && this.#summary(name, record);
  }

  async create(wish: VolumeWish): Promise<VolumeSummary> {
    checkVolumeName(wish.name);
    refuseDriverOptions(wish.options);
    await this.#open();
    return this.#lock.run(wish.name, async () => {
      const record = this.#records.get(wish.name) ?? (await this.#make(wish));
      // Whatever was done to it by hand: a container can be given it.
      await mkdir(this.dataPath(wish.name), { recursive: true, mode: 0o755 });
      await this.#settle(wish.name);
      return this.#summary(wish.name, record);
    });
  }

  async remove(name: string): Promise<void> {
    await this.#open();
    await this.#lock.run(name, async () => {
      const record = this.#records.get(name);
      if (record === undefined) throw new VolumeError('not-found', `get ${name}: no such volume`);
      const users = [...(this.#users.get(name) ?? [])];
      if (users.length > 0) throw new VolumeError('in-use', `remove ${name}: volume is in use - [${users.join(', ')}]`);
      await this.#remove(name);
    });
  }

  async sizeOf(name: string): Promise<number> {
    await this.#open();
    if (!this.#records.has(name)) throw new VolumeError('not-found', `get ${name}: no such volume`);
    return treeSize(this.dataPath(name));
  }

  /** What containers see of it. */
  dataPath(name: string): string {
    return join(this.#dir, name, '_data');
  }

  /** The container has these volumes, be they there yet or not: none of them is removed until it lets go of them. */
  retain(container: ContainerId, names: readonly string[]): void {
    for (const name of names) this.#users.set(name, (this.#users.get(name) ?? new Set()).add(container));
  }

  /** The container lets go of all it has. */
  release(container: ContainerId): void {
    for (const [name, users] of this.#users) {
      users.delete(container);
      if (users.size === 0) this.#users.delete(name);
    }
  }

  /** Removes those of `names` that nobody named and no container has. */
  async removeAnonymous(names: readonly string[]): Promise<void> {
    await this.#open();
    for (const name of new Set(names)) {
      await this.#lock.run(name, async () => {
        if (this.#records.get(name)?.anonymous === true && !this.#users.has(name)) await this.#remove(name);
      });
    }
  }

  /**
   * Gives new volumes their first content: those of `names` that are empty are filled by `fill`, or stay empty. Where it
   * is cut short, what it had brought is taken away, be it before the volume's next use; but never from a volume that
   * another container has, too, as it might be that one's.
   */
  async fillEmpty(names: readonly string[], fill: (empty: readonly string[]) => Promise<void>): Promise<void> {
    // In order of their names: who waits for one never has a later one already.
    const inOrder = [...new Set(names)].sort();
    await this.#withLocks(inOrder, () => this.#fill(inOrder, fill));
  }

  async #withLocks(names: readonly string[], body: () => Promise<void>): Promise<void> {
    const [first, ...rest] = names;
    if (first === undefined) return body();
    return this.#lock.run(first, () => this.#withLocks(rest, body));
  }

  async #fill(names: readonly string[], fill: (empty: readonly string[]) => Promise<void>): Promise<void> {
    const empty: string[] = [];
    for (const name of names) {
      await this.#settle(name);
      if ((await readdir(this.dataPath(name))).length === 0) empty.push(name);
    }
    if (empty.length === 0) return;
    const own = empty.filter((name) => (this.#users.get(name)?.size ?? 0) <= 1);
    for (const name of own) await writeSynced(join(this.#dir, name, COPYING), '');
    try {
      await fill(empty);
    } catch (error) {
      for (const name of own) await this.#clear(name);
      throw error;
    }
    for (const name of own) {
      await rm(join(this.#dir, name, COPYING), { force: true });
      // Back after a power cut it would cost what containers have written since.
      await syncDirectory(join(this.#dir, name));
    }
  }

  /** Takes away what a fill that was cut short has left. Whoever is to have the volume comes by here first. */
  async #settle(name: string): Promise<void> {
    if (existsSync(join(this.#dir, name, COPYING))) await this.#clear(name);
  }

  async #clear(name: string): Promise<void> {
    const data = this.dataPath(name);
    for (const entry of await readdir(data)) await rm(join(data, entry), { recursive: true, force: true });
    await rm(join(this.#dir, name, COPYING), { force: true });
  }

  #summary(name: string, record: VolumeRecord): VolumeSummary {
    const { createdAtMs, labels, options, anonymous } = record;
    return { name, path: this.dataPath(name), createdAtMs, labels, options, anonymous, usedBy: [...(this.#users.get(name) ?? [])] };
  }

  async #make({ name, labels, options, anonymous }: VolumeWish): Promise<VolumeRecord> {
    const record: VolumeRecord = { createdAtMs: Date.now(), labels, options, anonymous };
    const temporary = this.#temporary();
    try {
      await mkdir(join(temporary, '_data'), { recursive: true, mode: 0o755 });
      await writeSynced(join(temporary, 'volume.json'), JSON.stringify(record));
      await syncDirectory(temporary);
      await rename(temporary, join(this.#dir, name));
      await syncDirectory(this.#dir);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw new VolumeError('failed', `volume ${name} can't be made: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#records.set(name, record);
    return record;
  }

  /** Gone at once under its name; what it held goes after that, at the latest at the next start. */
  async #remove(name: string): Promise<void> {
    const temporary = this.#temporary();
    try {
      await rename(join(this.#dir, name), temporary);
      await syncDirectory(this.#dir);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) {
        throw new VolumeError('failed', `volume ${name} can't be removed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    this.#records.delete(name);
    await rm(temporary, { recursive: true, force: true }).catch((error: unknown) => {
      this.#log(`what removed volume ${name} held can't be removed yet: ${String(error)}`);
    });
  }

  #temporary(): string {
    return join(this.#dir, `${TEMPORARY}${process.pid}-${this.#nextTemporary++}`);
  }

  #open(): Promise<void> {
    this.#opened ??= this.#readAll();
    return this.#opened;
  }

  async #readAll(): Promise<void> {
    for (const name of readdirSync(this.#dir)) {
      if (name.startsWith(TEMPORARY)) await rm(join(this.#dir, name), { recursive: true, force: true });
      else await this.#read(name);
    }
  }

  async #read(name: string): Promise<void> {
    try {
      checkVolumeName(name);
      this.#records.set(name, JSON.parse(await readFile(join(this.#dir, name, 'volume.json'), 'utf8')) as VolumeRecord);
    } catch (error) {
      this.#log(
        `${join(this.#dir, name)} is no volume of ours and stays as it is: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

/** The local driver's own: they make it mount file systems of the host's, or of others. @throws VolumeError */
function refuseDriverOptions(options: Readonly<Record<string, string>>): void {
  const refused = Object.keys(options).find((key) => ['type', 'o', 'device'].includes(key));
  if (refused !== undefined) {
    throw new VolumeError(
      'failed',
      `volume option ${JSON.stringify(refused)} is not supported: mount the file system on the host, and bind it`,
    );
  }
}

async function writeSynced(path: string, content: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
