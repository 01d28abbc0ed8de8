import { expect, it } from 'vitest';
import { parseExactly } from './exact-json.ts';

it('keeps integers that no number can hold', () => {
  const text = '{"rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":0}],"env":["A=b"],"x":1.5,"y":null,"z":-3}';
  expect(JSON.stringify(parseExactly(text))).toBe(text);
  expect(parseExactly('[1, "18446744073709551615"]')).toEqual([1, '18446744073709551615']);
});
