import { LIMITS } from '../../model/index.ts';
import type { Ack, Gossip, MembershipMessage, Piggyback, Ping, PingRequest } from '../../model/index.ts';
import { WIRE_BOUNDS } from '../bounds.ts';
import type { Fields } from '../record.ts';
import { record } from '../record.ts';
import { list, optional, uint } from '../type.ts';
import { agreedVersion, hints, member, nodeId, rumours } from './nouns.ts';
import type { Kinds } from './kinds.ts';

const sequence = uint();
const piggyback: Fields<Piggyback> = { agreed: [13, optional(agreedVersion)], gossip: [14, rumours], hints: [15, hints] };
const bucket = uint(0xffff_ffff);

/** SWIM's packets, the smallest and most frequent ones: numbers 1 to 15. */
export const membershipKinds: Kinds<MembershipMessage> = {
  ping: [1, record<Omit<Ping, 'kind'>>({ sequence: [1, sequence], target: [2, nodeId], ...piggyback })],
  'ping-request': [2, record<Omit<PingRequest, 'kind'>>({ sequence: [1, sequence], target: [2, nodeId], ...piggyback })],
  ack: [3, record<Omit<Ack, 'kind'>>({ sequence: [1, sequence], ...piggyback })],
  nack: [4, record({ sequence: [1, sequence] })],
  gossip: [5, record<Omit<Gossip, 'kind'>>({ ...piggyback })],
  'sync-request': [6, record({ buckets: [1, list(bucket, WIRE_BOUNDS.buckets)] })],
  'sync-reply': [
    7,
    record({ members: [1, list(member, LIMITS.members)], wanted: [2, list(uint(WIRE_BOUNDS.buckets - 1), WIRE_BOUNDS.buckets)] }),
  ],
};
