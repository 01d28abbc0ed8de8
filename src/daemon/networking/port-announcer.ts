import { type ContainerId, LIMITS, type MemberState, type NodeId } from '../../core/model/index.ts';
import { readBody } from '../../transport/control/read-body.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { type PortMessage, readServed, type SentPortMessage } from './port-message.ts';
import type { TaskPort } from './task-network.ts';

export const PORTS_PATH = '/network/ports';
const TIMEOUT_MS = 3_000;
const AGAIN_MS = 5_000;
/** Of an answer: LIMITS.hostPorts ports, and more. */
const ANSWER_BYTES = 65_536;

interface Announcement {
  to: NodeId;
  /** The newest. */
  message: SentPortMessage;
  /** Whether the newest has been heard. */
  told: boolean;
  served: readonly TaskPort[];
  /** A request is under way; what comes meanwhile is said after it, so that nothing overtakes. */
  telling: Promise<void> | undefined;
}

export interface AnnouncerParts {
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  /** undefined: nobody knows it. Asking makes sense where it is alive. */
  readonly stateOf: (peer: NodeId) => MemberState | undefined;
  /** Of this node. */
  readonly incarnation: () => number;
  /** From now on the asked node leads the container's ports where this says, and nowhere else; or it leads nothing any more. */
  readonly heard: (message: PortMessage) => void;
  readonly log: Log;
}

/**
 * The running node's side of published ports: tells the node that was asked where they lead, until it has
 * heard. The newest word about a container replaces what was to be said before.
 */
export class PortAnnouncer {
  readonly #parts: AnnouncerParts;
  /** In the order in which they were last said anew. */
  readonly #announcements = new Map<ContainerId, Announcement>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #said = 0;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Resolves when it was tried once; at once where the node is not there. */
  async announce(to: NodeId, words: PortMessage): Promise<void> {
    if (this.#isClosed) return;
    const message = { ...words, life: this.#parts.incarnation(), number: ++this.#said };
    const known = this.#announcements.get(message.container);
    const announcement = known ?? { to, message, told: false, served: [], telling: undefined };
    announcement.to = to;
    announcement.message = message;
    announcement.told = false;
    if (message.ports.length === 0) announcement.served = [];
    this.#announcements.delete(message.container);
    this.#announcements.set(message.container, announcement);
    this.#bound();
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
      if (announcement.to !== id) continue;
      announcement.told = false;
      void this.#tell(announcement);
    }
  }

  /** It will never hear. */
  memberLeft(id: NodeId): void {
    for (const [container, { to, message }] of this.#announcements) {
      if (to !== id) continue;
      this.#announcements.delete(container);
      this.#parts.heard({ ...message, ports: [] });
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#announcements.clear();
  }

  #tell(announcement: Announcement): Promise<void> {
    announcement.telling ??= this.#tellAll(announcement).finally(() => {
      announcement.telling = undefined;
    });
    return announcement.telling;
  }

  /** The newest, and what has become the newest meanwhile. Never rejects. */
  async #tellAll(announcement: Announcement): Promise<void> {
    for (;;) {
      const { message } = announcement;
      // A dead one is told when it comes back.
      const state = this.#parts.stateOf(announcement.to);
      if (state === undefined || state === 'left') return this.#parts.heard({ ...message, ports: [] });
      if (state !== 'alive') return state === 'suspect' ? this.#later() : undefined;
      if (!(await this.#say(announcement, message))) return this.#later();
      if (announcement.message !== message) continue;
      if (message.gone && this.#announcements.get(message.container) === announcement) this.#announcements.delete(message.container);
      return undefined;
    }
  }

  async #say(announcement: Announcement, message: SentPortMessage): Promise<boolean> {
    const { to } = announcement;
    try {
      const body = Buffer.from(JSON.stringify(message));
      const response = await this.#parts.request(to, { method: 'POST', path: PORTS_PATH, body, timeoutMs: TIMEOUT_MS });
      const served = readServed((await readBody(response.body, ANSWER_BYTES)).toString());
      if (response.status >= 300 || served === undefined) throw new Error(`it answered ${response.status}`);
      if (announcement.message !== message) return true;
      announcement.told = true;
      announcement.served = served;
      this.#parts.heard(message);
      return true;
    } catch (error) {
      this.#parts.log('debug', 'the node that was asked for a container was not told of its ports', { node: to, error: String(error) });
      return false;
    }
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const each of this.#announcements.values()) if (!each.told) void this.#tell(each);
    }, AGAIN_MS).unref();
  }

  /** Nodes that stay dead must not fill the memory with what they should hear of containers that are long gone. */
  #bound(): void {
    if (this.#announcements.size <= LIMITS.containers) return;
    for (const [container, { message }] of this.#announcements) {
      if (!message.gone) continue;
      this.#announcements.delete(container);
      this.#parts.heard(message);
      return;
    }
  }
}
