import { expect, test } from 'vitest';
import { checkFile } from './tidy.ts';
import { blankOut } from './tidy/blank-out.ts';

const lines = (file: string, source: string): readonly string[] =>
  checkFile(file, source).map((finding) => `${finding.line}: ${finding.what.split(':')[0]}`);

test('the core may use neither clock, randomness, promises nor the platform', () => {
  const source = [
    "import { readFile } from 'node:fs';",
    'const now = Date.now();',
    'const dice = Math.random();',
    'async function f() {',
    '  setTimeout(() => console.log(`at ${new Date()}`), 5);',
    '}',
  ].join('\n');
  const expected = [
    '2: the core may not use Date',
    '3: the core may not use Math.random',
    '4: the core may not use async and await',
    '5: the core may not use Date',
    '5: the core may not use a timer of the platform',
    '5: the core may not use console',
    '1: the core imports nothing of Node',
  ];
  expect([...lines('src/core/a.ts', source)].sort()).toEqual(expected.sort());
  expect(lines('src/core/a.test.ts', source)).toEqual([]);
  expect(lines('src/daemon/a.ts', source)).toEqual([]);
});

test('comments and strings may speak of anything', () => {
  const source = "/** A Promise, a Date. */\nconst word = 'await'; // console\nconst r = /Date[/']/; const t = `Date ${word} async`;\n";
  expect(lines('src/lib/a.ts', source)).toEqual([]);
});

test('words that promise work, machine paths, long files and odd names are found', () => {
  expect(lines('src/x/a.ts', ['// TO', 'DO later'].join(''))).toHaveLength(1);
  expect(lines('docs/a.md', `see ${['', 'home', 'me', 'x'].join('/')}`)).toHaveLength(1);
  expect(lines('docs/a.md', 'see https://example.org/home/me/x')).toEqual([]);
  expect(lines('src/x/someFile.ts', '')).toEqual(['1: file names are kebab-case, got someFile.ts']);
  expect(checkFile('src/x/a.ts', 'x\n'.repeat(300)).map((finding) => finding.warning)).toEqual([true]);
  expect(checkFile('src/x/a.test.ts', 'x\n'.repeat(500)).map((finding) => finding.warning)).toEqual([true]);
  expect(lines('src/x/a.ts', 'x\n'.repeat(401))).toEqual(['401: a file has at most 400 lines, this one 401']);
});

test('blanking keeps lines, columns and the code in templates', () => {
  const source = "const a = `x${b + `y${'}'}`}z`; // c\nreturn /[/]d/.test(a);";
  const out = blankOut(source);
  expect(out).toHaveLength(source.length);
  expect(out.split('\n')).toHaveLength(2);
  expect(out).toContain('b +');
  for (const hidden of ['x', 'z', '// c', 'd/']) expect(out).not.toContain(hidden);
  expect(out).toContain('.test(a);');
});
