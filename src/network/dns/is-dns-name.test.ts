import { expect, test } from 'vitest';
import { isDnsName } from './is-dns-name.ts';

test.each([
  ['web', true],
  ['web.back', true],
  ['x'.repeat(63), true],
  ['x'.repeat(64), false],
  [`web.${'x'.repeat(64)}`, false],
  ['é'.repeat(32), false],
  [Array.from({ length: 127 }, () => 'x').join('.'), true],
  [Array.from({ length: 128 }, () => 'x').join('.'), false],
  ['web..back', false],
  ['', false],
])('%s is a name in DNS: %s', (name, is) => {
  expect(isDnsName(name)).toBe(is);
});
