import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from './detach-keys.ts';

describe('parseDetachKeys', () => {
  it.each([
    [DEFAULT_DETACH_KEYS, [16, 17]],
    ['ctrl-P,CTRL-q', [16, 17]],
    ['a', [97]],
    ['ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [0, 27, 28, 29, 30, 31]],
    ['', []],
  ])('reads %j', (text, bytes) => {
    expect(parseDetachKeys(text)).toEqual(bytes);
  });

  it.each(['ctrl-', 'ctrl-pq', 'ctrl-1', 'ab', 'é', 'a,,b', Array.from({ length: 17 }, () => 'a').join(',')])('refuses %j', (text) => {
    expect(() => parseDetachKeys(text)).toThrow(RangeError);
  });
});

/** What a program gets of typed chunks, up to the sequence. */
function typed(keys: readonly number[], chunks: readonly Uint8Array[]): { readonly text: string; readonly detached: boolean } {
  const filter = new DetachFilter(keys);
  const passed: Uint8Array[] = [];
  for (const chunk of chunks) {
    const { data, detached } = filter.push(chunk);
    passed.push(data);
    if (detached) return { text: Buffer.concat(passed).toString('latin1'), detached };
  }
  return { text: Buffer.concat([...passed, filter.flush()]).toString('latin1'), detached: false };
}

describe('DetachFilter', () => {
  it('keeps the sequence from the program, however it is cut', () => {
    const keys = parseDetachKeys(DEFAULT_DETACH_KEYS);
    expect(typed(keys, [Buffer.from('ls\n\x10'), Buffer.from('\x11more')])).toEqual({ text: 'ls\n', detached: true });
    expect(typed(keys, [Buffer.from('\x10'), Buffer.from('x')])).toEqual({ text: '\x10x', detached: false });
    expect(typed(keys, [Buffer.from('\x10\x10\x11')])).toEqual({ text: '\x10', detached: true });
  });

  it('finds the first occurrence of any keys in anything, and passes all that is before it', () => {
    const few = fc.integer({ min: 97, max: 99 });
    fc.assert(
      fc.property(
        fc.array(few, { minLength: 1, maxLength: 5 }),
        fc.array(fc.uint8Array({ min: 97, max: 99, maxLength: 10 }), { maxLength: 8 }),
        (keys, chunks) => {
          const all = Buffer.concat(chunks).toString('latin1');
          const at = all.indexOf(String.fromCharCode(...keys));
          expect(typed(keys, chunks)).toEqual({ text: at < 0 ? all : all.slice(0, at), detached: at >= 0 });
        },
      ),
    );
  });

  it('stands off where there are no keys', () => {
    expect(typed([], [Buffer.from('\x10\x11')])).toEqual({ text: '\x10\x11', detached: false });
  });
});
