import { expect, it } from 'vitest';
import { execFailureCode } from './exec-failure.ts';

it.each([
  ['exec: "x": executable file not found in $PATH: unknown', 127],
  ['exec: "/x": stat /x: no such file or directory: unknown', 127],
  ['exec: "/etc": permission denied: unknown', 126],
  ['unable to find user pirate: no matching entries in passwd file', 126],
] as const)('%s: %i', (message, code) => {
  expect(execFailureCode(message)).toBe(code);
});
