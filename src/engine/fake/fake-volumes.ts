import { VolumeError, type VolumeStore, type VolumeSummary } from '../volume-port.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;

/** Volumes in memory; nothing is in them. */
export class FakeVolumes implements VolumeStore {
  readonly #volumes = new Map<string, Omit<VolumeSummary, 'usedBy'>>();
  readonly #usersOf: (name: string) => readonly string[];

  constructor(usersOf: (name: string) => readonly string[]) {
    this.#usersOf = usersOf;
  }

  async list(): Promise<readonly VolumeSummary[]> {
    return [...this.#volumes.values()].map((volume) => ({ ...volume, usedBy: this.#usersOf(volume.name) }));
  }

  async inspect(name: string): Promise<VolumeSummary | undefined> {
    const volume = this.#volumes.get(name);
    return volume && { ...volume, usedBy: this.#usersOf(name) };
  }

  async create(wish: Pick<VolumeSummary, 'name' | 'labels' | 'options' | 'anonymous'>): Promise<VolumeSummary> {
    if (!NAME.test(wish.name)) {
      throw new VolumeError('bad-name', `${JSON.stringify(wish.name)} is no volume's name: use letters, digits, "_", "." and "-"`);
    }
    const volume = this.#volumes.get(wish.name) ?? { ...wish, path: `/fake/volumes/${wish.name}`, createdAtMs: Date.now() };
    this.#volumes.set(wish.name, volume);
    return { ...volume, usedBy: this.#usersOf(wish.name) };
  }

  async remove(name: string): Promise<void> {
    if (!this.#volumes.has(name)) throw new VolumeError('not-found', `there is no volume ${name}`);
    const users = this.#usersOf(name);
    if (users.length > 0) throw new VolumeError('in-use', `volume ${name} is used by ${users.join(', ')}: remove that first`);
    this.#volumes.delete(name);
  }

  async sizeOf(name: string): Promise<number> {
    if (!this.#volumes.has(name)) throw new VolumeError('not-found', `there is no volume ${name}`);
    return 0;
  }
}
