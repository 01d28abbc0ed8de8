import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFrameDecoder, FrameError, MAX_PAYLOAD_BYTES, OPCODES, serverFrame } from './frame-decoder.ts';

/** As a client writes it. */
export function masked(opcode: number, data: Uint8Array, mask = Buffer.from([1, 2, 3, 4])): Buffer {
  const plain = serverFrame(opcode, data);
  const headerBytes = plain.length - data.length;
  plain[1] = (plain[1] ?? 0) | 0x80;
  const body = Buffer.from(data).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([plain.subarray(0, headerBytes), mask, body]);
}

describe('frames of a web socket', () => {
  it('come back as they were sent, however they are cut', () => {
    const frame = fc.record({ opcode: fc.constantFrom(1, 2), data: fc.uint8Array({ maxLength: 70_000, size: 'max' }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 4 }), fc.integer({ min: 1, max: 9_000 }), (sent, step) => {
        const bytes = Buffer.concat(sent.map(({ opcode, data }) => masked(opcode, data)));
        const decoder = new ClientFrameDecoder();
        const got = [];
        for (let at = 0; at < bytes.length; at += step) got.push(...decoder.push(bytes.subarray(at, at + step)));
        expect(got.map(({ opcode, data }) => [opcode, data.toString('hex')])).toEqual(
          sent.map(({ opcode, data }) => [opcode, Buffer.from(data).toString('hex')]),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('are refused without a mask, with extensions, as long control frames, or too long', () => {
    const long = Buffer.alloc(14);
    long.set([0x82, 0xff]);
    long.writeBigUInt64BE(BigInt(MAX_PAYLOAD_BYTES + 1), 2);
    const bad: [Buffer, number][] = [
      [serverFrame(OPCODES.text, Buffer.from('x')), 1002],
      [Buffer.from([0xf2, 0x81, 0, 0, 0, 0, 1]), 1002],
      [masked(OPCODES.ping, Buffer.alloc(126)), 1002],
      [long, 1009],
    ];
    for (const [bytes, code] of bad) expect(() => new ClientFrameDecoder().push(bytes)).toThrow(expect.objectContaining({ code }));
  });

  it('are never junk that fails in another way', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        const decoder = new ClientFrameDecoder();
        try {
          for (const chunk of chunks) decoder.push(chunk);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });
});
