import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { matchesGlob, matchesPath } from './glob.ts';
import { filtersOf, flagOf, momentOf, textOf, wholeOf } from './query.ts';

describe('query', () => {
  it('reads booleans as Docker’s daemon does', () => {
    for (const off of ['', '0', 'no', 'false', 'False', 'none']) expect(flagOf({ x: off }, 'x')).toBe(false);
    for (const on of ['1', 'true', 'True', 'yes', 'anything']) expect(flagOf({ x: on }, 'x')).toBe(true);
    expect(flagOf({}, 'x')).toBe(false);
    expect(textOf({ x: ['first', 'second'] }, 'x')).toBe('first');
  });

  it('reads whole numbers, and names what is none', () => {
    expect(wholeOf({ t: '10' }, 't')).toBe(10);
    expect(wholeOf({ t: '-1' }, 't')).toBe(-1);
    expect(wholeOf({}, 't')).toBeUndefined();
    expect(() => wholeOf({ t: '1e3' }, 't')).toThrow('t must be a whole number, got "1e3"');
  });

  it('reads moments in seconds with a fraction, and in RFC 3339', () => {
    expect(momentOf({ since: '1700000000.25' }, 'since')).toBe(1_700_000_000_250);
    expect(momentOf({ since: '2023-11-14T22:13:20Z' }, 'since')).toBe(1_700_000_000_000);
    // As a client repeats the time that a line of a log has.
    expect(momentOf({ since: '1763753995.601307046' }, 'since')).toBe(momentOf({ since: '2025-11-21T19:39:55.601307046Z' }, 'since'));
    expect(momentOf({ since: '0' }, 'since')).toBeUndefined();
    expect(() => momentOf({ since: 'yesterday' }, 'since')).toThrow('since must be seconds since 1970');
  });

  it('reads both forms of filters to the same', () => {
    const text = fc.string({ minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.uniqueArray(
          text.filter((t) => t !== '__proto__'),
          { minLength: 1, maxLength: 5 },
        ),
        (values) => {
          const asList = filtersOf({ filters: JSON.stringify({ label: values }) }, ['label']);
          const asMap = filtersOf({ filters: JSON.stringify({ label: Object.fromEntries(values.map((v) => [v, true])) }) }, ['label']);
          expect([...(asList.get('label') ?? [])].sort()).toEqual([...values].sort());
          expect([...(asMap.get('label') ?? [])].sort()).toEqual([...values].sort());
        },
      ),
    );
  });

  it('answers junk filters with 400 and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (filters) => {
        try {
          for (const values of filtersOf({ filters }, ['a']).values()) expect(values.every((v) => typeof v === 'string')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).status).toBe(400);
        }
      }),
    );
  });

  it.each([
    ['utest*', 'utest:1', true],
    ['utest*', 'utest/app:1', false],
    ['*/*', 'utest/app:1', true],
    ['*5000*/*', 'utest:5000/app:3', true],
    ['*', 'a/b', false],
  ])('matches %s with %s between slashes only: %s', (pattern, path, is) => {
    expect(matchesPath(pattern, path)).toBe(is);
  });

  it('matches globs as the regular expression they stand for would', () => {
    const piece = fc.stringMatching(/^[ab*]{0,8}$/);
    fc.assert(
      fc.property(piece, fc.stringMatching(/^[ab]{0,12}$/), (pattern, text) => {
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll(/\*+/g, '.*')}$`).test(text));
      }),
    );
  });
});
