import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from '../model/index.ts';
import { messagesByKind } from '../wire/arbitrary.test.ts';
import { encodedBytes } from '../wire/index.ts';
import { isShort } from './is-short.ts';

const PAYLOAD_BYTES = LIMITS.datagramBytes - 64;

test('whatever was met on the way, an accept is a datagram', () => {
  fc.assert(
    fc.property(messagesByKind.accept, (accept) => {
      expect(encodedBytes(accept)).toBeLessThanOrEqual(PAYLOAD_BYTES);
    }),
  );
});

test('the refusal of a short reserve is a datagram, too', () => {
  fc.assert(
    fc.property(messagesByKind.reserve, messagesByKind.refuse, (reserve, { reason, free, epoch }) => {
      fc.pre(isShort(reserve));
      const refuse = { ...reserve, kind: 'refuse', reason, detail: 'x'.repeat(256), free, epoch } as const;
      expect(encodedBytes(refuse)).toBeLessThanOrEqual(PAYLOAD_BYTES);
    }),
  );
});

test('a reserve without long constraints and affinities is short with all that was met', () => {
  fc.assert(
    fc.property(messagesByKind.reserve, (reserve) => {
      const trail = Array.from({ length: LIMITS.trail }, () => ({
        nodeId: reserve.need.buyer,
        reason: 'memory' as const,
        detail: '',
        free: reserve.need.resources,
        score: 1 / 3,
      }));
      expect(isShort({ ...reserve, need: { ...reserve.need, constraints: [], affinities: [], arches: [] }, trail })).toBe(true);
    }),
  );
});
