import { ApiError } from '../http/api-error.ts';
import { expandWord } from './expand-word.ts';

const INSTRUCTIONS = [
  'CMD',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'HEALTHCHECK',
  'LABEL',
  'ONBUILD',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const;
const CHARS = 4_096;

/** One line of a Dockerfile (docs.docker.com/reference/dockerfile), as far as it can be told without its meaning. */
export interface Change {
  readonly instruction: (typeof INSTRUCTIONS)[number];
  /** As written. */
  readonly rest: string;
  /** The same, without quotes and escapes, and with variables' values. */
  readonly value: string;
  /** Of its form `["a", "b"]`. */
  readonly list: readonly string[] | undefined;
  /** Without quotes and escapes, and with variables' values. */
  readonly words: readonly string[];
  /** `a=1 b="two"`, or `a the rest`. @throws ApiError 400 */
  readonly pairs: () => readonly (readonly [string, string])[];
}

/** @param valueOf a variable of the image's environment. @throws ApiError 400 */
export function parseChange(line: string, valueOf: (name: string) => string | undefined): Change {
  if (line.length > CHARS) throw new ApiError(400, `a change may have ${CHARS} characters, got ${line.length}`);
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/s.exec(line) ?? [];
  const instruction = INSTRUCTIONS.find((each) => each === word.toUpperCase());
  if (instruction === undefined || rest === '') {
    throw new ApiError(
      400,
      `${JSON.stringify(line.slice(0, 80))} is not a valid change command: it is one of ${INSTRUCTIONS.join(', ')}, and what it sets`,
    );
  }
  const words = wordsOf(rest);
  const expand = (text: string): string => expandWord(text, valueOf);
  return {
    instruction,
    rest,
    value: expand(rest),
    list: listOf(rest),
    words: words.map(expand),
    pairs: () => pairsOf(rest, words, expand),
  };
}

function listOf(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((each): each is string => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** By spaces outside of quotes; as written. */
function wordsOf(rest: string): readonly string[] {
  const words: string[] = [];
  let from = -1;
  let quote = '';
  for (let at = 0; at <= rest.length; at++) {
    const sign = rest[at] ?? '';
    if (sign === '' || (quote === '' && /\s/.test(sign))) {
      if (from >= 0) words.push(rest.slice(from, at));
      from = -1;
      continue;
    }
    if (from < 0) from = at;
    if (sign === quote) quote = '';
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    else if (sign === '\\' && quote !== "'") at++;
  }
  return words;
}

/** Of a word's first `=` outside of quotes; −1: it has none. */
function equalsIn(word: string): number {
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const sign = word[at] ?? '';
    if (sign === '=' && quote === '') return at;
    if (sign === quote) quote = '';
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    else if (sign === '\\' && quote !== "'") at++;
  }
  return -1;
}

function pairsOf(rest: string, words: readonly string[], expand: (word: string) => string): readonly (readonly [string, string])[] {
  const [first] = words;
  if (first !== undefined && equalsIn(first) < 0) {
    const [, name = '', value = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
    return [[expand(name), expand(value)]];
  }
  return words.map((word) => {
    const equals = equalsIn(word);
    if (equals <= 0) throw new ApiError(400, `${JSON.stringify(word.slice(0, 80))} must be written name=value`);
    return [expand(word.slice(0, equals)), expand(word.slice(equals + 1))];
  });
}
