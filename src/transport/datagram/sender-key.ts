/**
 * The key one sender uses in one boot, derived from the instance's gossip key (HKDF-Expand with
 * SHA-256, RFC 5869 §2.3; the gossip key is uniform, so Extract is left out, §3.3).
 *
 * All nodes share the gossip key. Were it used directly, the nonces of all senders and boots would
 * have to differ, and a random part of a 12-byte nonce collides too soon (birthday bound). With a
 * key of its own per sender and 8-byte boot id, a nonce is just the boot's counter.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { NodeId } from '../../core/model/index.ts';

export function deriveSenderKey(gossipKey: Uint8Array, sender: NodeId, boot: string): KeyObject {
  const bytes = createHmac('sha256', gossipKey).update(`caravela datagram 1 ${sender} ${boot}`).update(Buffer.of(1)).digest();
  // Bytes would have to be made a key for each packet anew, which takes longer than to seal it.
  return createSecretKey(bytes);
}

/** 96-bit nonce: six zero bytes, then the counter. */
export function nonceOf(counter: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 6, 6);
  return nonce;
}
