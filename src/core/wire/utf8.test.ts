import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8Clip, utf8Length } from '../../lib/utf8.ts';
import { WireError } from './error.ts';
import { utf8Read, utf8Write } from './utf8.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 200 });

test('writes what the platform writes, and reads it back', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = new Uint8Array(utf8Length(text));
      expect(utf8Write(text, bytes, 0)).toBe(bytes.length);
      expect(bytes).toEqual(new TextEncoder().encode(text));
      expect(utf8Read(bytes)).toBe(text);
    }),
  );
});

test('accepts exactly what a strict platform decoder accepts', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), (bytes) => {
      let expected: string | undefined;
      try {
        expected = strict.decode(bytes);
      } catch {
        expect(() => utf8Read(bytes)).toThrow(WireError);
        return;
      }
      expect(utf8Read(bytes)).toBe(expected);
    }),
    { numRuns: 20_000 },
  );
});

test('a lone surrogate becomes the replacement character', () => {
  const text = 'a\ud800b';
  const bytes = new Uint8Array(utf8Length(text));
  utf8Write(text, bytes, 0);
  expect(utf8Read(bytes)).toBe('a\ufffdb');
});

test('clips between code points', () => {
  expect(utf8Clip('aü€😀', 3)).toBe('aü');
  expect(utf8Clip('aü€😀', 9)).toBe('aü€');
  expect(utf8Clip('aü€😀', 10)).toBe('aü€😀');
});
