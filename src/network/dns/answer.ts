import * as dnsPacket from 'dns-packet';
import type { StringAnswer } from 'dns-packet';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { DNS_LIMITS } from './limits.ts';
import { HEADER_BYTES, RCODE } from './question.ts';
import type { Question, Rcode } from './question.ts';

/** How an answer travels: over UDP it has to fit. */
export type Channel = 'udp' | 'tcp';

/** The name's addresses, as many as fit, in the order given; none: it has no record of that type. */
export function addressAnswer(question: Question, addresses: readonly number[], channel: Channel): Buffer {
  const wantsAddresses = question.type === 'A' || question.type === 'ANY';
  return recordsAnswer(question, wantsAddresses ? addresses.map((address) => ({ type: 'A', data: formatIpv4(address) })) : [], channel);
}

export function pointerAnswer(question: Question, names: readonly string[], channel: Channel): Buffer {
  const wantsNames = question.type === 'PTR' || question.type === 'ANY';
  return recordsAnswer(question, wantsNames ? names.map((data) => ({ type: 'PTR', data })) : [], channel);
}

/** An answer without records. */
export function errorAnswer(question: Question, rcode: Rcode): Buffer {
  return encode(question, rcode, []);
}

/** For what could not be read: its header turned round, nothing else (RFC 6895 §2.3). */
export function headerAnswer(asked: Buffer, rcode: Rcode): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  asked.copy(header, 0, 0, 4);
  header[2] = ((header[2] as number) & 0x79) | 0x80;
  header[3] = 0x80 | rcode;
  return header;
}

/** Any subset is as good as all: they are the same service. So nobody is sent round by TCP for the rest. */
function recordsAnswer(question: Question, records: readonly Pick<StringAnswer, 'type' | 'data'>[], channel: Channel): Buffer {
  const { name } = question.asWritten;
  const answers = records
    .slice(0, DNS_LIMITS.answers)
    .map((record): StringAnswer => ({ name, ttl: DNS_LIMITS.ttlSeconds, class: 'IN', ...record }));
  if (channel === 'tcp') return encode(question, RCODE.noError, answers);
  const most = udpRoom(question);
  for (let count = answers.length; ; count--) {
    const bytes = encode(question, RCODE.noError, answers.slice(0, count));
    if (bytes.length <= most || count === 0) return bytes;
    // Records are alike in length: one step comes close.
    count = Math.max(1, Math.min(count, Math.ceil((count * most) / bytes.length) + 1));
  }
}

function udpRoom({ ednsBytes }: Question): number {
  if (ednsBytes === undefined) return DNS_LIMITS.plainUdpBytes;
  return Math.min(Math.max(ednsBytes, DNS_LIMITS.plainUdpBytes), DNS_LIMITS.udpBytes);
}

function encode(question: Question, rcode: Rcode, answers: StringAnswer[]): Buffer {
  const { id, asWritten, recursionDesired, ednsBytes, bytes } = question;
  const flags =
    (recursionDesired ? dnsPacket.RECURSION_DESIRED : 0) |
    dnsPacket.RECURSION_AVAILABLE |
    (rcode === RCODE.noError || rcode === RCODE.nameError ? dnsPacket.AUTHORITATIVE_ANSWER : 0) |
    rcode;
  const additionals =
    ednsBytes === undefined
      ? []
      : [
          {
            type: 'OPT' as const,
            name: '.',
            udpPayloadSize: DNS_LIMITS.udpBytes,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ];
  const encoded = dnsPacket.encode({ type: 'response', id, flags, questions: [asWritten], answers, authorities: [], additionals });
  const end = dnsPacket.encodingLength({ questions: [asWritten], answers: [], authorities: [], additionals: [] });
  // A label with a dot or with bytes that are no text: its client would not know its question again.
  if (!encoded.subarray(HEADER_BYTES, end).equals(bytes.subarray(HEADER_BYTES, end))) return headerAnswer(bytes, RCODE.formatError);
  return encoded;
}
