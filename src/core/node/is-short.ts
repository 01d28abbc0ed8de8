import { LIMITS } from '../model/index.ts';
import type { Message } from '../model/index.ts';
import { encode } from '../wire/index.ts';

/** What sealing adds, rounded up. */
const SEAL_BYTES = 64;
/** What a refusal's own fields add to the reserve it echoes, its words among them. */
const REFUSAL_BYTES = 320;

/** Whether a find or a reserve goes as a datagram, and so does a refusal of it. */
export const isShort = (message: Message): boolean => encode(message).length <= LIMITS.datagramBytes - SEAL_BYTES - REFUSAL_BYTES;
