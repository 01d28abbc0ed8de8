import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namePattern } from './name-pattern.ts';

describe('a pattern of names', () => {
  test.each([
    ['web', '/my-web-1', true],
    ['^/?(up|over)$', 'over', true],
    ['^/?(up|over)$', '/up', true],
    ['^/?(up|over)$', 'upper', false],
    ['^web$', 'web', true],
    ['^web$', '/web', false],
    ['web.*[0-9]+$', 'web-a-17', true],
    ['web.*[^0-9]$', 'web-a-17', false],
    ['a\\.b', 'a.b', true],
    ['a\\.b', 'axb', false],
    ['', 'anything', true],
    ['(a|)b?c', 'xc', true],
    ['[]a-]', ']', true],
    ['\\d\\d', 'a12', true],
  ])('%j in %j: %j', (pattern, text, expected) => {
    expect(namePattern(pattern)(text)).toBe(expected);
  });

  test.each(['(', ')', 'a)', '[a', '*a', '\\', '\\q', '(?=a)', 'x'.repeat(301), '('.repeat(30)])(
    '%j is refused, with the reason',
    (pattern) => {
      expect(() => namePattern(pattern)).toThrow(/^invalid filter 'name': /);
    },
  );

  test('finds what JavaScript finds', () => {
    const part = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(ab|)', 'a*', 'b+', 'c?', '(a*b)*', '^', '$', '\\.', '|');
    const pattern = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '.'), { maxLength: 10 }).map((all) => all.join(''));
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        expect([p, t, namePattern(p)(t)]).toEqual([p, t, new RegExp(p).test(t)]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes no more time for a pattern that others stall at', () => {
    expect(namePattern('(a*)*(a*)*(a|aa)+$')(`${'a'.repeat(250)}b`)).toBe(false);
  });
});
