/**
 * Seals datagrams with AES-256-GCM (NIST SP 800-38D).
 *
 * The nonce rule: a (key, nonce) pair is never used twice. The key is derived from gossip key,
 * sender and boot id (sender-key.ts); the nonce is a counter that only grows while the boot id
 * stays; a boot id is 8 random bytes drawn when the sealer is made and again before the counter
 * could overflow. No clock and nothing on disk takes part, so neither a wrong clock nor a restored
 * backup can break it.
 *
 * What it does not give: the gossip key is shared, so one member could pose as another in a
 * datagram (not over TLS). Members are trusted with that, as in memberlist; a removed one is shut
 * out by rotating the key.
 *
 * Cost: 56 bytes and a few microseconds per packet.
 */
import { createCipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { InstanceId, NodeId } from '../../core/model/index.ts';
import { assert } from '../../lib/assert.ts';
import type { GossipKeys } from '../trust/gossip-keys.ts';
import { BOOT_BYTES, instancePrefix, PACKET_VERSION, PAYLOAD_BYTES, writeHeader } from './packet.ts';
import { deriveSenderKey, nonceOf } from './sender-key.ts';

const LAST_COUNTER = 2 ** 48 - 1;

export class Sealer {
  readonly #sender: NodeId;
  readonly #instancePrefix: Buffer;
  #boot = newBoot();
  #counter = 0;
  #keys: GossipKeys;
  #key: KeyObject;

  constructor(instanceId: InstanceId, sender: NodeId, keys: GossipKeys) {
    this.#sender = sender;
    this.#instancePrefix = instancePrefix(instanceId);
    this.#keys = keys;
    this.#key = this.#derive();
  }

  updateKeys(keys: GossipKeys): void {
    this.#keys = keys;
    this.#key = this.#derive();
  }

  /** `payload` has at most PAYLOAD_BYTES bytes. */
  seal(payload: Uint8Array): Buffer {
    assert(payload.length <= PAYLOAD_BYTES, `a datagram carries at most ${PAYLOAD_BYTES} bytes, got ${payload.length}`);
    if (this.#counter === LAST_COUNTER) {
      this.#boot = newBoot();
      this.#counter = 0;
      this.#key = this.#derive();
    }
    this.#counter += 1;
    const header = writeHeader({
      version: PACKET_VERSION,
      keyId: this.#keys.use,
      instancePrefix: this.#instancePrefix,
      sender: this.#sender,
      boot: this.#boot,
      counter: this.#counter,
    });
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(this.#counter)).setAAD(header);
    return Buffer.concat([header, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  }

  #derive(): KeyObject {
    const used = this.#keys.keys.find((key) => key.id === this.#keys.use);
    assert(used !== undefined, `gossip key ${this.#keys.use} is to be used but not there`);
    return deriveSenderKey(Buffer.from(used.key, 'base64'), this.#sender, this.#boot);
  }
}

const newBoot = (): string => randomBytes(BOOT_BYTES).toString('hex');
