import type { NodeId } from '../core/model/index.ts';
import type { VolumeStore } from '../engine/port.ts';

/** No majority of the agreement members answers, in words for the user: whose a volume is can't be changed now. */
export class VolumesUnavailable extends Error {
  override name = 'VolumesUnavailable';
}

/**
 * Volumes of the instance. Which node has a named volume is agreed at its first use (DESIGN §7): its containers go
 * there. One that nobody named belongs to the node of its container and is known only there.
 */
export interface VolumeService {
  /** This node's. */
  readonly here: VolumeStore;
  /** Which node has it, as agreed; undefined: nobody made it yet. Answers from this node's copy. */
  nodeOf(name: string): NodeId | undefined;
  /** All that are agreed. */
  named(): readonly { readonly name: string; readonly node: NodeId }[];
  /**
   * Makes it this node's, unless another has it already. @throws VolumesUnavailable, VolumeError bad-name
   * @returns whose it is now
   */
  claim(name: string): Promise<NodeId>;
  /** It is nobody's any more; said by the node that had it, after it removed it. @throws VolumesUnavailable */
  release(name: string): Promise<void>;
}
