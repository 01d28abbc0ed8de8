import { text } from 'node:stream/consumers';
import type { ContainerId, NodeId } from '../../core/model/index.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { type PortMessage, readServed } from './port-message.ts';
import type { TaskPort } from './task-network.ts';

export const PORTS_PATH = '/network/ports';
const TIMEOUT_MS = 3_000;
const AGAIN_MS = 5_000;

interface Announcement {
  readonly to: NodeId;
  readonly message: PortMessage;
  told: boolean;
  served: readonly TaskPort[];
}

export interface AnnouncerParts {
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  /** Whether there is sense in asking it now. */
  readonly isAlive: (peer: NodeId) => boolean;
  readonly log: Log;
}

/**
 * The running node's side of published ports: tells the node that was asked where they lead, until it has
 * heard. The newest word about a container replaces what was to be said before.
 */
export class PortAnnouncer {
  readonly #parts: AnnouncerParts;
  readonly #announcements = new Map<ContainerId, Announcement>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Resolves when it was tried once. */
  async announce(to: NodeId, message: PortMessage): Promise<void> {
    const announcement: Announcement = { to, message, told: false, served: [] };
    this.#announcements.set(message.container, announcement);
    await this.#tell(announcement);
  }

  /** Which of a container's ports the asked node serves, as far as it said. */
  servedFor(container: ContainerId): { readonly node: NodeId; readonly ports: readonly TaskPort[] } | undefined {
    const known = this.#announcements.get(container);
    return known === undefined ? undefined : { node: known.to, ports: known.served };
  }

  /** It came back, and may have forgotten. */
  memberAlive(id: NodeId): void {
    for (const announcement of this.#announcements.values()) {
      if (announcement.to === id) void this.#tell(announcement);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#announcements.clear();
  }

  async #tell(announcement: Announcement): Promise<void> {
    const { to, message } = announcement;
    announcement.told = false;
    try {
      const body = Buffer.from(JSON.stringify(message));
      const response = await this.#parts.request(to, { method: 'POST', path: PORTS_PATH, body, timeoutMs: TIMEOUT_MS });
      const served = readServed(await text(response.body));
      if (response.status >= 300 || served === undefined) throw new Error(`it answered ${response.status}`);
      announcement.told = true;
      announcement.served = served;
      if (message.gone && this.#announcements.get(message.container) === announcement) this.#announcements.delete(message.container);
    } catch (error) {
      this.#parts.log('debug', 'the node that was asked for a container was not told of its ports', { node: to, error: String(error) });
      this.#later();
    }
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const waiting = [...this.#announcements.values()].filter(({ told }) => !told);
      // A dead one is told when it comes back; one that never does costs nothing.
      for (const each of waiting) if (this.#parts.isAlive(each.to)) void this.#tell(each);
    }, AGAIN_MS).unref();
  }
}
