import * as dnsPacket from 'dns-packet';
import type { Question as PacketQuestion } from 'dns-packet';
import { DNS_LIMITS } from './limits.ts';

/** A question as it was asked, and what its asker takes. */
export interface Question {
  readonly id: number;
  /** In lower case, without the last dot; empty: the root. */
  readonly name: string;
  /** `A`, `AAAA`, `PTR`, `UNKNOWN_65` … */
  readonly type: string;
  /** `IN` as a rule. */
  readonly class: string;
  /** As it was written. */
  readonly asWritten: PacketQuestion;
  readonly recursionDesired: boolean;
  /** The size of a UDP answer that it takes; undefined: it has no EDNS (RFC 6891). */
  readonly ednsBytes: number | undefined;
  /** The message, to be passed on. */
  readonly bytes: Buffer;
}

/** RFC 1035 §4.1.1. */
export const RCODE = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const;
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

export type ReadQuestion =
  | { readonly kind: 'question'; readonly question: Question }
  /** It is a query, and not one that we answer. */
  | { readonly kind: 'bad'; readonly rcode: Rcode }
  /** Not worth an answer: no header, or an answer itself. */
  | { readonly kind: 'junk' };

/** Whatever is in `bytes`; never throws. */
export function readQuestion(bytes: Buffer): ReadQuestion {
  if (bytes.length < HEADER_BYTES || ((bytes[2] as number) & ANSWER_BIT) !== 0) return { kind: 'junk' };
  if ((((bytes[2] as number) >> 3) & 0xf) !== OPCODE_QUERY) return { kind: 'bad', rcode: RCODE.notImplemented };
  if (bytes.length > DNS_LIMITS.queryBytes || bytes.readUInt16BE(4) !== 1) return { kind: 'bad', rcode: RCODE.formatError };
  try {
    const { id, questions, additionals, flag_rd: recursionDesired } = dnsPacket.decode(bytes);
    const asWritten = questions?.[0];
    if (asWritten === undefined || id === undefined) return { kind: 'bad', rcode: RCODE.formatError };
    const edns = additionals?.find((record) => record.type === 'OPT');
    const { name, type, class: questionClass = 'IN' } = asWritten;
    const question: Question = {
      id,
      name: name === '.' ? '' : name.toLowerCase(),
      type,
      class: questionClass,
      asWritten,
      recursionDesired,
      ednsBytes: edns !== undefined && 'udpPayloadSize' in edns ? edns.udpPayloadSize : undefined,
      bytes,
    };
    return { kind: 'question', question };
  } catch {
    return { kind: 'bad', rcode: RCODE.formatError };
  }
}

/** What of the message are its header and question, as far as it was well formed. */
export function questionBytes({ asWritten, bytes }: Pick<Question, 'asWritten' | 'bytes'>): Buffer {
  return bytes.subarray(HEADER_BYTES, dnsPacket.encodingLength({ questions: [asWritten], answers: [], authorities: [], additionals: [] }));
}

export const HEADER_BYTES = 12;
const ANSWER_BIT = 0x80;
const OPCODE_QUERY = 0;
