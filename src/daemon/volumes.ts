import type { AgreedState } from '../agreement/state/port.ts';
import { AgreementUnavailable } from '../agreement/port.ts';
import { type VolumeService, VolumesUnavailable } from '../api/volume-service.ts';
import type { NodeId } from '../core/model/index.ts';
import { type ContainerSpec, EngineError, VolumeError, type VolumeStore } from '../engine/port.ts';

export interface NodeVolumesParts {
  readonly self: NodeId;
  readonly here: VolumeStore;
  readonly agreed: Pick<AgreedState, 'volume' | 'volumes' | 'claimVolume' | 'releaseVolume'>;
  /** For messages. */
  readonly nameOf: (node: NodeId) => string;
  readonly wallMs: () => number;
}

/** This node's volumes, and whose the named ones are, as agreed. */
export class NodeVolumes implements VolumeService {
  readonly here: VolumeStore;
  readonly #parts: NodeVolumesParts;

  constructor(parts: NodeVolumesParts) {
    this.here = parts.here;
    this.#parts = parts;
  }

  nodeOf(name: string): NodeId | undefined {
    return this.#parts.agreed.volume(name)?.node;
  }

  named(): readonly { readonly name: string; readonly node: NodeId }[] {
    return this.#parts.agreed.volumes();
  }

  async claim(name: string): Promise<NodeId> {
    const { agreed, self, wallMs } = this.#parts;
    return agreeing(`making volume ${name}`, async () => (await agreed.claimVolume(name, self, wallMs())).node);
  }

  async release(name: string): Promise<void> {
    const { agreed, self } = this.#parts;
    await agreeing(`giving back the name of volume ${name}`, () => agreed.releaseVolume(name, self));
  }

  /**
   * Before a container is made here: its named volumes become this node's, where nobody has them. Without a majority
   * that works for those that are this node's already. @throws EngineError
   */
  async claimAll({ mounts = [] }: Pick<ContainerSpec, 'mounts'>): Promise<void> {
    const names = new Set(mounts.flatMap((mount) => (mount.kind === 'volume' && !mount.anonymous ? [mount.name] : [])));
    for (const name of names) {
      const node = await this.claim(name).catch((error: unknown) => {
        throw new EngineError('engine-failed', error instanceof Error ? error.message : String(error));
      });
      if (node === this.#parts.self) continue;
      const holder = this.#parts.nameOf(node);
      throw new EngineError(
        'engine-failed',
        `volume ${name} is on node ${holder}, where its containers go: run it there, or use another name`,
      );
    }
  }
}

/** @throws VolumesUnavailable, VolumeError */
async function agreeing<T>(what: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof RangeError) throw new VolumeError('bad-name', error.message);
    if (!(error instanceof AgreementUnavailable)) throw error;
    const may = error.changed === 'unknown' ? ' It may have happened all the same: look before you try again.' : '';
    throw new VolumesUnavailable(`${what} needs a majority of the agreement members: ${error.message.replace(/\.$/, '')}.${may}`);
  }
}
