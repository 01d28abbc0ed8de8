/**
 * Architecture rules that neither the compiler nor dependency-cruiser knows: the core's purity,
 * names and lengths of files, words that promise work for later, paths of one machine.
 * Prints `file:line: what is wrong`; exit code 1 when anything is. Warnings don't count.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { blankOut } from './tidy/blank-out.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly warning: boolean;
}

const MAX_LINES = 400;
const LONG_LINES = 250;
const ROOMS = ['src', 'test', 'bench', 'scripts', 'docs', 'bin', 'dashboard'];
const CODE = new Set(['.ts', '.tsx', '.mjs', '.js', '.css']);
const TEXT = new Set([...CODE, '.md', '.json', '.toml', '.sh', '.service', '.yaml', '.yml', '']);
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)+$/;

/** What the core may not name: it gets time and randomness from the turn, and answers at once. */
const IMPURE: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bDate\b/, 'Date: time comes in the turn'],
  [/\bMath\.random\b/, 'Math.random: randomness comes in the turn'],
  [/\bcrypto\b/, 'crypto: randomness comes in the turn'],
  [/\bPromise\b/, 'Promise: the core answers at once'],
  [/\b(?:async|await)\b/, 'async and await: the core answers at once'],
  [/\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/, 'a timer of the platform: use turn.setTimer'],
  [/\bconsole\b/, 'console: use turn.emit'],
  [/\b(?:process|globalThis|performance)\s*\./, 'the process: the core knows no platform'],
];
const NODE_IMPORT = /\b(?:from|import)\s*\(?\s*['"]node:/;
// The brackets keep this file from finding itself.
const LATER = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b|\b[Nn]ot (?:yet )?implemented\b|\b[Ss]tub(?:s|bed)?\b(?! resolver)/;
const MACHINE_PATH = /(?<![\w.:/])\/(?:Users|home\/\w+)\/\w/;

/** @param root the directory of the checkout */
export function tidy(root: string): readonly Finding[] {
  const files = ROOMS.flatMap((room) => [...filesIn(join(root, room))]);
  return files.flatMap((path) => checkFile(relative(root, path), readFileSync(path, 'utf8')));
}

/** @param file path from the root of the checkout */
export function checkFile(file: string, source: string): readonly Finding[] {
  const findings: Finding[] = [];
  const find = (line: number, what: string, warning = false) => findings.push({ file, line, what, warning });
  const lines = source.split('\n');
  if (CODE.has(extname(file))) {
    if (!KEBAB.test(basename(file))) find(1, `file names are kebab-case, got ${basename(file)}`);
    const length = source.endsWith('\n') ? lines.length - 1 : lines.length;
    // A test is a list of cases; it may be long.
    if (length > MAX_LINES && !/\.test\b/.test(file))
      find(MAX_LINES + 1, `a file has at most ${MAX_LINES} lines, this one ${length}: split it by concern`);
    else if (length > LONG_LINES) find(LONG_LINES + 1, `${length} lines are many; half of that reads better`, true);
  }
  lines.forEach((text, i) => {
    const later = LATER.exec(text);
    if (later !== null) find(i + 1, `“${later[0]}” promises work for later: do it, or write it into an issue`);
    const path = MACHINE_PATH.exec(text);
    if (path !== null) find(i + 1, `${path[0]}… is a path of one machine`);
  });
  if (isPure(file)) {
    blankOut(source)
      .split('\n')
      .forEach((text, i) => {
        for (const [pattern, what] of IMPURE) if (pattern.test(text)) find(i + 1, `the core may not use ${what}`);
        if (NODE_IMPORT.test(lines[i] ?? '') && /\b(?:from|import)\b/.test(text)) find(i + 1, 'the core imports nothing of Node');
      });
  }
  return findings;
}

function isPure(file: string): boolean {
  return /^src\/(?:core|lib)\/.*\.ts$/.test(file) && !file.endsWith('.test.ts');
}

function* filesIn(directory: string): Generator<string> {
  let entries;
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== 'dist') yield* filesIn(path);
    else if (entry.isFile() && TEXT.has(extname(entry.name))) yield path;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const findings = tidy(join(import.meta.dirname, '..'));
  for (const { file, line, what, warning } of findings) console.log(`${file}:${line}: ${warning ? 'warning: ' : ''}${what}`);
  process.exitCode = findings.some((finding) => !finding.warning) ? 1 : 0;
}
