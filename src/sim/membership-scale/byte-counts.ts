import { STREAM_KINDS } from '../../core/model/index.ts';
import type { Message } from '../../core/model/index.ts';
import type { MessageBytes } from './message-bytes.ts';

/** Header, nonce and tag around a sealed datagram's message. */
const SEAL_BYTES = 64;

/** Bytes sent by all nodes, and by each. UDP payloads with their seals, without IP and UDP headers; streams without TLS and HTTP/2. */
export class ByteCounts {
  /** Datagrams' own bytes, without news: pings of all kinds, acks and nacks; and packets of gossip. */
  probing = 0;
  gossipPackets = 0;
  /** News in them, whatever packet it rode on. */
  rumours = 0;
  hints = 0;
  datagrams = 0;
  /** Sync, and what a newcomer is given. */
  streams = 0;
  /** UDP, by node. */
  readonly byNode: Float64Array;

  constructor(nodes: number) {
    this.byNode = new Float64Array(nodes);
  }

  get udp(): number {
    return this.probing + this.gossipPackets + this.rumours + this.hints;
  }

  sent(node: number, message: Message, { all, rumours, hints }: MessageBytes): void {
    if (STREAM_KINDS.has(message.kind)) {
      this.streams += all;
      return;
    }
    this.datagrams++;
    this.rumours += rumours;
    this.hints += hints;
    const own = all + SEAL_BYTES - rumours - hints;
    if (message.kind === 'gossip') this.gossipPackets += own;
    else this.probing += own;
    this.byNode[node] = (this.byNode[node] ?? 0) + all + SEAL_BYTES;
  }
}
