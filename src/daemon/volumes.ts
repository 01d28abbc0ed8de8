import type { AgreedState } from '../agreement/state/port.ts';
import { AgreementUnavailable } from '../agreement/port.ts';
import { type VolumeService, VolumesUnavailable } from '../api/volume-service.ts';
import type { NodeId } from '../core/model/index.ts';
import { KeyedLock } from '../engine/oci/keyed-lock.ts';
import { type ContainerSpec, EngineError, VolumeError, type VolumeStore } from '../engine/port.ts';
import type { Log } from './log.ts';

export interface NodeVolumesParts {
  readonly self: NodeId;
  readonly here: VolumeStore;
  readonly agreed: Pick<AgreedState, 'volume' | 'volumes' | 'claimVolume' | 'releaseVolume'>;
  /** For messages. */
  readonly nameOf: (node: NodeId) => string;
  readonly wallMs: () => number;
  readonly log: Log;
}

/**
 * This node's volumes, and whose the named ones are, as agreed. A name is given back only where nothing of the volume
 * is here and no container is about to have it: what changes a name goes one by one.
 */
export class NodeVolumes implements VolumeService {
  readonly here: VolumeStore;
  readonly #parts: NodeVolumesParts;
  readonly #names = new KeyedLock<string>();
  /** How many containers are being made with it. */
  readonly #making = new Map<string, number>();

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

  claim(name: string): Promise<NodeId> {
    return this.#names.run(name, () => this.#claim(name));
  }

  release(name: string): Promise<void> {
    return this.#names.run(name, () => this.#release(name));
  }

  /**
   * Before a container is made here: its named volumes become this node's, where nobody has them. Without a majority
   * that works for those that are this node's already. One `settleAll` is to follow each, unless it throws. @throws EngineError
   */
  async claimAll(spec: Pick<ContainerSpec, 'mounts'>): Promise<void> {
    const claimed: string[] = [];
    try {
      for (const name of namesOf(spec)) {
        const node = await this.#names.run(name, () => {
          this.#making.set(name, (this.#making.get(name) ?? 0) + 1);
          claimed.push(name);
          return this.#claim(name);
        });
        if (node !== this.#parts.self) throw new Error(elsewhere(name, this.#parts.nameOf(node)));
      }
    } catch (error) {
      await this.#settle(claimed);
      throw new EngineError('engine-failed', error instanceof Error ? error.message : String(error));
    }
  }

  /** After that container was made, or was not: names of volumes that did not come to be are free again. Never rejects. */
  settleAll(spec: Pick<ContainerSpec, 'mounts'>): Promise<void> {
    return this.#settle(namesOf(spec));
  }

  async #settle(names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        await this.#names.run(name, () => {
          const left = (this.#making.get(name) ?? 1) - 1;
          if (left > 0) this.#making.set(name, left);
          else this.#making.delete(name);
          return this.#release(name);
        });
      } catch (error) {
        this.#parts.log('warn', 'the name of a volume that was not made stays this node’s', { volume: name, error: String(error) });
      }
    }
  }

  async #claim(name: string): Promise<NodeId> {
    const { agreed, self, wallMs } = this.#parts;
    return agreeing(`making volume ${name}`, async () => (await agreed.claimVolume(name, self, wallMs())).node);
  }

  async #release(name: string): Promise<void> {
    const { agreed, self, here } = this.#parts;
    if (this.nodeOf(name) !== self || this.#making.has(name) || (await here.inspect(name)) !== undefined) return;
    await agreeing(`giving back the name of volume ${name}`, () => agreed.releaseVolume(name, self));
  }
}

function namesOf({ mounts = [] }: Pick<ContainerSpec, 'mounts'>): readonly string[] {
  return [...new Set(mounts.flatMap((mount) => (mount.kind === 'volume' && !mount.anonymous ? [mount.name] : [])))];
}

const elsewhere = (name: string, holder: string): string =>
  `volume ${name} is on node ${holder}, where its containers go: run it there, or use another name`;

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
