import { expect, it } from 'vitest';
import { expandWord } from './expand-word.ts';

const VALUES: Readonly<Record<string, string>> = { PATH: '/bin', A_1: 'one', EMPTY: '' };

it.each([
  ['/usr/bin:$PATH', '/usr/bin:/bin'],
  ['$PATH/x', '/bin/x'],
  ['${A_1}2', 'one2'],
  ['a$NONE.b', 'a.b'],
  ['${NONE:-other}', 'other'],
  ['${EMPTY:-other}', 'other'],
  ['${A_1:-other}', 'one'],
  ['${A_1:+other}', 'other'],
  ['${NONE:+other}', ''],
  [String.raw`\$PATH`, '$PATH'],
  ["'$PATH'", '$PATH'],
  ['"$PATH"', '/bin'],
  [String.raw`"a \"b\""`, 'a "b"'],
  [String.raw`a\ b`, 'a b'],
  ['5$ and $5', '5$ and $5'],
  ['${open', '${open'],
  ['\\', '\\'],
])('%s is %s', (word, text) => {
  expect(expandWord(word, (name) => VALUES[name])).toBe(text);
});
