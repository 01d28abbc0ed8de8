/**
 * Opens sealed datagrams, and refuses junk, other instances, and replays.
 *
 * The replay rule, per sender: the boot seen last is current, with a sliding window of counters. A
 * packet of an unknown boot that authenticates makes its boot current and retires the former; a
 * packet of a retired boot is refused. So every packet is taken at most once while this opener
 * remembers its boot (the last RETIRED boots of each sender). What is left: after our own restart,
 * packets recorded earlier can be played to us once. They say nothing new that counts: the core's
 * messages carry incarnations, epochs and attempts, and older ones lose.
 *
 * Memory grows only by packets that authenticate, about 0.5 kB per sender, at most LIMITS.members.
 */
import { createDecipheriv, type KeyObject } from 'node:crypto';
import { LIMITS } from '../../core/model/index.ts';
import type { InstanceId, NodeId } from '../../core/model/index.ts';
import type { GossipKeys } from '../trust/gossip-keys.ts';
import { HEADER_BYTES, instancePrefix, PACKET_VERSION, readHeader, TAG_BYTES } from './packet.ts';
import type { Header } from './packet.ts';
import { ReplayWindow } from './replay-window.ts';
import { deriveSenderKey, nonceOf } from './sender-key.ts';

export const REJECTIONS = ['size', 'version', 'instance', 'key', 'reflected', 'forged', 'replayed'] as const;
export type Rejection = (typeof REJECTIONS)[number];

export type Opened =
  | { readonly ok: true; readonly sender: NodeId; readonly payload: Buffer }
  | { readonly ok: false; readonly why: Rejection };

interface Sender {
  readonly boot: string;
  readonly window: ReplayWindow;
  /** Former boots, newest last. */
  readonly retired: readonly string[];
  /** The key of this boot, and the gossip key it came from. */
  keyId: number;
  key: KeyObject;
}

const RETIRED = 8;

export class Opener {
  readonly #self: NodeId;
  readonly #instancePrefix: Buffer;
  readonly #senders = new Map<NodeId, Sender>();
  #keys: ReadonlyMap<number, Buffer>;

  constructor(instanceId: InstanceId, self: NodeId, keys: GossipKeys) {
    this.#self = self;
    this.#instancePrefix = instancePrefix(instanceId);
    this.#keys = keyMap(keys);
  }

  updateKeys(keys: GossipKeys): void {
    this.#keys = keyMap(keys);
    // A key id may have come to mean another key.
    for (const sender of this.#senders.values()) sender.keyId = -1;
  }

  open(packet: Buffer): Opened {
    if (packet.length < HEADER_BYTES + TAG_BYTES || packet.length > LIMITS.datagramBytes) return { ok: false, why: 'size' };
    const header = readHeader(packet);
    if (header.version !== PACKET_VERSION) return { ok: false, why: 'version' };
    if (!header.instancePrefix.equals(this.#instancePrefix)) return { ok: false, why: 'instance' };
    const gossipKey = this.#keys.get(header.keyId);
    if (gossipKey === undefined) return { ok: false, why: 'key' };
    if (header.sender === this.#self) return { ok: false, why: 'reflected' };

    const known = this.#senders.get(header.sender);
    if (known !== undefined && !couldBeNew(known, header)) return { ok: false, why: 'replayed' };
    const cached = known?.boot === header.boot && known.keyId === header.keyId;
    const key = cached ? known.key : deriveSenderKey(gossipKey, header.sender, header.boot);
    const payload = decrypt(packet, key, header.counter);
    if (payload === undefined) return { ok: false, why: 'forged' };

    const sender = known?.boot === header.boot ? known : this.#newBoot(header, key, known);
    sender.keyId = header.keyId;
    sender.key = key;
    sender.window.mark(header.counter);
    return { ok: true, sender: header.sender, payload };
  }

  #newBoot(header: Header, key: KeyObject, former: Sender | undefined): Sender {
    if (former === undefined && this.#senders.size >= LIMITS.members) {
      const oldest = this.#senders.keys().next();
      if (oldest.done !== true) this.#senders.delete(oldest.value);
    }
    const retired = former === undefined ? [] : [...former.retired, former.boot].slice(-RETIRED);
    const sender = { boot: header.boot, window: new ReplayWindow(), retired, keyId: header.keyId, key };
    this.#senders.set(header.sender, sender);
    return sender;
  }
}

function couldBeNew(sender: Sender, header: Header): boolean {
  return sender.boot === header.boot ? sender.window.isFresh(header.counter) : !sender.retired.includes(header.boot);
}

function decrypt(packet: Buffer, key: KeyObject, counter: number): Buffer | undefined {
  const end = packet.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(counter), { authTagLength: TAG_BYTES });
  decipher.setAAD(packet.subarray(0, HEADER_BYTES)).setAuthTag(packet.subarray(end));
  try {
    return Buffer.concat([decipher.update(packet.subarray(HEADER_BYTES, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function keyMap(keys: GossipKeys): ReadonlyMap<number, Buffer> {
  return new Map(keys.keys.map((key) => [key.id, Buffer.from(key.key, 'base64')]));
}
