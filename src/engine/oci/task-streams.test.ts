import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePacket } from './task-streams.ts';

describe('parsePacket', () => {
  it('reads the stream from the first byte', () => {
    expect(parsePacket(Buffer.from('\x02out'))).toEqual({ stream: 'stdout', data: Buffer.from('out') });
    expect(parsePacket(Buffer.from('\x03err'))).toEqual({ stream: 'stderr', data: Buffer.from('err') });
  });

  it('stands any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const piece = parsePacket(Buffer.from(bytes));
        expect(piece !== undefined).toBe(bytes.length > 1 && (bytes[0] === 2 || bytes[0] === 3));
        if (piece !== undefined) expect(piece.data).toEqual(Buffer.from(bytes.subarray(1)));
      }),
    );
  });
});
