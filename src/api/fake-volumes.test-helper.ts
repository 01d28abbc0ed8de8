import type { NodeId } from '../core/model/index.ts';
import { VolumeError, type VolumeStore, type VolumeSummary } from '../engine/port.ts';
import type { VolumeService } from './volume-service.ts';

/** One node's volumes; what is agreed all nodes see at once. */
export class FakeVolumes implements VolumeService {
  readonly here = new FakeVolumeStore();
  readonly #self: NodeId;
  readonly #agreed: Map<string, NodeId>;
  /** Thrown by the next claim or release. */
  failNext: Error | undefined;

  constructor(self: NodeId, agreed: Map<string, NodeId>) {
    this.#self = self;
    this.#agreed = agreed;
  }

  nodeOf(name: string): NodeId | undefined {
    return this.#agreed.get(name);
  }

  named() {
    return [...this.#agreed].map(([name, node]) => ({ name, node }));
  }

  async claim(name: string): Promise<NodeId> {
    this.#fail();
    const holder = this.#agreed.get(name) ?? this.#self;
    this.#agreed.set(name, holder);
    return holder;
  }

  async release(name: string): Promise<void> {
    this.#fail();
    this.#agreed.delete(name);
  }

  #fail(): void {
    const error = this.failNext;
    this.failNext = undefined;
    if (error !== undefined) throw error;
  }
}

class FakeVolumeStore implements VolumeStore {
  readonly volumes = new Map<string, VolumeSummary>();

  async list() {
    return [...this.volumes.values()];
  }

  async inspect(name: string) {
    return this.volumes.get(name);
  }

  async create(wish: Parameters<VolumeStore['create']>[0]): Promise<VolumeSummary> {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(wish.name)) throw new VolumeError('bad-name', `${wish.name} is no name for a volume`);
    const volume = this.volumes.get(wish.name) ?? {
      ...wish,
      path: `/var/lib/caravela/volumes/${wish.name}/_data`,
      createdAtMs: 1_700_000_000_000,
      usedBy: [],
    };
    this.volumes.set(wish.name, volume);
    return volume;
  }

  async remove(name: string): Promise<void> {
    const volume = this.volumes.get(name);
    if (volume === undefined) throw new VolumeError('not-found', `get ${name}: no such volume`);
    if (volume.usedBy.length > 0) throw new VolumeError('in-use', `remove ${name}: volume is in use - [${volume.usedBy.join(', ')}]`);
    this.volumes.delete(name);
  }

  async sizeOf(): Promise<number> {
    return 1_000;
  }
}
