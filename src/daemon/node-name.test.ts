import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkNodeName, nodeNameFrom } from './node-name.ts';

test('every host name becomes a valid node name', () => {
  fc.assert(
    fc.property(fc.string(), (hostname) => {
      expect(checkNodeName(nodeNameFrom(hostname))).toBe(nodeNameFrom(hostname));
    }),
  );
  expect(nodeNameFrom('Raspberry_Pi.local')).toBe('raspberry-pi');
});

test('a bad name is refused by value', () => {
  expect(() => checkNodeName('-x')).toThrow(/"-x" cannot be a node's name/);
});
