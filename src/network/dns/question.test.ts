import fc from 'fast-check';
import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';
import { addressAnswer, errorAnswer, headerAnswer, pointerAnswer } from './answer.ts';
import { DNS_LIMITS } from './limits.ts';
import { HEADER_BYTES, RCODE, questionBytes, readQuestion } from './question.ts';

/** A query's header with the body behind it. */
const queried = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]), body]);

test('whatever comes is a question, a bad one or junk, and every question can be answered', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
  const named = fc.array(label, { maxLength: 5 }).map((labels) => {
    const parts = labels.flatMap((bytes) => [bytes.length, ...bytes]);
    return queried(Uint8Array.from([...parts, 0, 0, 1, 0, 1]));
  });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 300 }).map(queried),
    named,
  );
  fc.assert(
    fc.property(anything, fc.array(fc.nat(0xffff_ffff), { maxLength: 300 }), (bytes, addresses) => {
      const read = readQuestion(bytes);
      if (read.kind === 'junk') return;
      if (read.kind === 'bad') {
        expect(headerAnswer(bytes, read.rcode).length).toBe(HEADER_BYTES);
        return;
      }
      const { question } = read;
      const answers = [
        errorAnswer(question, RCODE.nameError),
        addressAnswer(question, addresses, 'udp'),
        addressAnswer(question, addresses, 'tcp'),
        pointerAnswer(question, ['web.front'], 'udp'),
      ];
      for (const answer of answers) {
        expect(answer.readUInt16BE(0)).toBe(bytes.readUInt16BE(0));
        // Either the question as it was asked, or none at all.
        const asked = questionBytes(question);
        const repeated = answer.subarray(HEADER_BYTES, HEADER_BYTES + asked.length);
        expect(answer.length === HEADER_BYTES || repeated.equals(asked)).toBe(true);
      }
      expect(answers[1]?.length).toBeLessThanOrEqual(DNS_LIMITS.udpBytes);
    }),
    { numRuns: 2_000 },
  );
});

test('a question as clients send it', () => {
  const bytes = dnsPacket.encode({
    type: 'query',
    id: 513,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: 'Web.Front.', type: 'AAAA' }],
  });
  expect(readQuestion(bytes)).toMatchObject({
    kind: 'question',
    question: { id: 513, name: 'web.front', type: 'AAAA', class: 'IN', recursionDesired: true, ednsBytes: undefined },
  });
  const root = dnsPacket.encode({ type: 'query', id: 1, questions: [{ name: '.', type: 'NS' }] });
  expect(readQuestion(root)).toMatchObject({ question: { name: '', type: 'NS' } });
});

test('answers, other operations, no or several questions, and long ones are none', () => {
  const question = { name: 'web', type: 'A' } as const;
  expect(readQuestion(dnsPacket.encode({ type: 'response', id: 1, questions: [question] }))).toEqual({ kind: 'junk' });
  expect(readQuestion(Buffer.alloc(11))).toEqual({ kind: 'junk' });
  expect(readQuestion(dnsPacket.encode({ type: 'query', id: 1, flags: 5 << 11, questions: [question] }))).toEqual({
    kind: 'bad',
    rcode: RCODE.notImplemented,
  });
  for (const questions of [[], [question, question]])
    expect(readQuestion(dnsPacket.encode({ type: 'query', id: 1, questions }))).toEqual({ kind: 'bad', rcode: RCODE.formatError });
  const long = Buffer.concat([dnsPacket.encode({ type: 'query', id: 1, questions: [question] }), Buffer.alloc(DNS_LIMITS.queryBytes)]);
  expect(readQuestion(long)).toEqual({ kind: 'bad', rcode: RCODE.formatError });
});
