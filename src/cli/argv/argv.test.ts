import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewriteAncestorWords } from './ancestor-words.ts';
import { rewriteBooleans } from './boolean-words.ts';
import { findVerb } from './global-options.ts';

const OPTIONS = [
  { short: '-d', long: '--detach', required: false },
  { short: '-m', long: '--memory', required: true },
  { short: '-e', long: '--env', required: true },
  { long: '--cpus', required: true },
  { long: '--name', required: true },
];
const rewrite = (...words: string[]) => rewriteAncestorWords(words, OPTIONS);

describe("the ancestors' words", () => {
  it.each([
    [
      ['-cpus', '2', '-memory', '256', 'img'],
      ['--cpus', '2', '--memory', '256', 'img'],
    ],
    [
      ['-d', '-memory', '256', 'img', '-cpus', '2'],
      ['-d', '--memory', '256', 'img', '-cpus', '2'],
    ],
    [
      ['--name', '-cpus', 'img'],
      ['--name', '-cpus', 'img'],
    ],
    [
      ['-de', '-cpus', 'img'],
      ['-de', '-cpus', 'img'],
    ],
    [
      ['-m1', '-cpus', '2', 'img'],
      ['-m1', '--cpus', '2', 'img'],
    ],
    [
      ['--name=x', '-cpus', '2'],
      ['--name=x', '--cpus', '2'],
    ],
    [
      ['--', '-cpus', '2'],
      ['--', '-cpus', '2'],
    ],
    [['-cpus'], ['--cpus']],
  ])('%j', (words, expected) => {
    expect(rewrite(...words)).toEqual(expected);
  });

  it('never touches what belongs to the container, nor lines without them', () => {
    const word = fc.constantFrom('-cpus', '-memory', '--cpus', '-d', '-e', '-m', 'x', '--', '-', '--name', '2');
    fc.assert(
      fc.property(fc.array(word), fc.array(word), (before, after) => {
        const line = [...before.filter((w) => w.startsWith('--') && w !== '--'), 'img', ...after];
        const own = rewrite(...line);
        expect(own).toHaveLength(line.length);
        if (!line.includes('-cpus') && !line.includes('-memory')) expect(own).toEqual(line);
        // Rewritten once, there is nothing left to rewrite.
        expect(rewrite(...own)).toEqual(own);
        expect(rewrite('img', ...after)).toEqual(['img', ...after]);
      }),
    );
  });
});

describe('the verb', () => {
  it.each([
    [['ps'], 0],
    [['--host', 'unix:///x', 'ps'], 2],
    [['--host=unix:///x', 'ps', '--all'], 1],
    [['--data-dir', '/a', '--run-dir', '/b', 'create'], 4],
  ])('%j', (words, index) => {
    expect(findVerb(words)).toEqual({ kind: 'found', index });
  });

  it('may be missing', () => {
    expect(findVerb(['--version'])).toEqual({ kind: 'none' });
    expect(findVerb(['--host', 'ps'])).toEqual({ kind: 'none' });
  });
});

describe('Docker’s way to say yes and no', () => {
  const options = [
    ...OPTIONS,
    { short: '-p', long: '--pause', required: false },
    { long: '--no-pause', required: false },
    { long: '--when', required: false, optional: true },
  ];
  it.each([
    ['-d=true --name x img', '-d --name x img'],
    ['-d=false --name x img', '--name x img'],
    ['--detach=1 --pause=f img', '--detach --no-pause img'],
    ['-e -d=false img', '-e -d=false img'],
    ['--name=true --when=false img', '--name=true --when=false img'],
    ['img -d=false', 'img -d=false'],
    ['-- -d=false', '-- -d=false'],
    ['-d=maybe -x=true img', '-d=maybe -x=true img'],
  ])('%s', (said, meant) => expect(rewriteBooleans(said.split(' '), options)).toEqual(meant.split(' ')));

  it('touches nothing else', () => {
    const other = fc.string().filter((word) => !/=(true|false|t|f|0|1)$/i.test(word));
    fc.assert(
      fc.property(fc.array(other), (words) => {
        expect(rewriteBooleans(words, options)).toEqual(words);
      }),
    );
  });
});
