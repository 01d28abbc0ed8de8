import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, FramingError, MAX_FRAME_BYTES, type StreamName } from './framing.ts';

const anyFrame = fc.record({
  stream: fc.constantFrom<StreamName>('stdin', 'stdout', 'stderr'),
  data: fc.uint8Array({ maxLength: 300 }),
});

describe('stream framing', () => {
  it('writes the header that the Engine API documents', () => {
    expect(encodeFrame('stderr', Buffer.from('oh\n')).toString('hex')).toBe('0200000000000003' + Buffer.from('oh\n').toString('hex'));
  });

  it('gives every stream its bytes back, in order, however the chunks are cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map((f) => encodeFrame(f.stream, f.data)));
        const decoder = new FrameDecoder();
        const got: Record<StreamName, Buffer[]> = { stdin: [], stdout: [], stderr: [] };
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          for (const frame of decoder.push(bytes.subarray(at, at + size))) got[frame.stream].push(frame.data);
          at += size;
        }
        expect(decoder.atBoundary).toBe(true);
        for (const stream of ['stdin', 'stdout', 'stderr'] as const) {
          const sent = Buffer.concat(frames.filter((f) => f.stream === stream).map((f) => f.data));
          expect(Buffer.concat(got[stream]).equals(sent)).toBe(true);
        }
      }),
    );
  });

  it('rejects junk instead of guessing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 64 }), (junk) => {
        const padded = junk[1] !== 0 || junk[2] !== 0 || junk[3] !== 0 || (junk[0] ?? 0) > 3;
        fc.pre(padded);
        expect(() => new FrameDecoder().push(junk)).toThrow(FramingError);
      }),
    );
    const tooLong = Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    expect(() => new FrameDecoder().push(tooLong)).toThrow(FramingError);
    expect(() => encodeFrame('stdout', Buffer.alloc(MAX_FRAME_BYTES + 1))).toThrow(RangeError);
  });
});
