import type { ContainerId } from '../../core/model/index.ts';
import type { Attachment, Network } from '../port.ts';

/** A network in memory: names namespaces and makes none. `attached` is for tests to look at. */
export class FakeNetwork implements Network {
  readonly attached = new Map<ContainerId, Attachment>();

  async attach(id: ContainerId, mode: 'none' | 'host'): Promise<Attachment> {
    const attachment = { netnsPath: mode === 'none' ? `/fake/netns/${id}` : undefined };
    this.attached.set(id, attachment);
    return attachment;
  }

  async detach(id: ContainerId): Promise<void> {
    this.attached.delete(id);
  }

  async recover(known: (id: ContainerId) => boolean): Promise<void> {
    for (const id of this.attached.keys()) {
      if (!known(id)) this.attached.delete(id);
    }
  }
}
