import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSync } from './conmon.ts';

describe('parseSync', () => {
  it.each([
    ['{"data": 42}\n', 42, ''],
    ['{"pid": 42}\n', 42, ''],
    ['{"data": -1, "message": "no"}\n', undefined, 'no'],
    ['', undefined, 'conmon ended without an answer'],
    ['junk', undefined, 'conmon answered "junk"'],
    ['null', undefined, ''],
  ])('%j', (line, pid, message) => {
    expect(parseSync(line)).toEqual({ pid, message });
  });

  it('stands any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        const { pid } = parseSync(line);
        if (pid !== undefined) expect(pid).toBeGreaterThan(0);
      }),
    );
  });
});
