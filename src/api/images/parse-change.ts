import { ApiError } from '../http/api-error.ts';

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
  /** Of its form `["a", "b"]`. */
  readonly list: readonly string[] | undefined;
  /** Without quotes and escapes. */
  readonly words: readonly string[];
  /** `a=1 b="two"`, or `a the rest`. @throws ApiError 400 */
  readonly pairs: () => readonly (readonly [string, string])[];
}

/** @throws ApiError 400 */
export function parseChange(line: string): Change {
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
  return { instruction, rest, list: listOf(rest), words: words.map(({ text }) => text), pairs: () => pairsOf(rest, words) };
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

interface Word {
  readonly text: string;
  /** Where its first `=` outside of quotes is in `text`; −1: it has none. */
  readonly equals: number;
}

function wordsOf(rest: string): readonly Word[] {
  const words: Word[] = [];
  let text = '';
  let equals = -1;
  let quote = '';
  let isOpen = false;
  for (let at = 0; at <= rest.length; at++) {
    const sign = rest[at] ?? '';
    if (sign === '' || (quote === '' && /\s/.test(sign))) {
      if (isOpen) words.push({ text, equals });
      [text, equals, isOpen] = ['', -1, false];
      continue;
    }
    isOpen = true;
    if (sign === quote) quote = '';
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    else if (sign === '\\' && quote !== "'" && at + 1 < rest.length) text += rest[++at] ?? '';
    else {
      if (sign === '=' && quote === '' && equals < 0) equals = text.length;
      text += sign;
    }
  }
  return words;
}

function pairsOf(rest: string, words: readonly Word[]): readonly (readonly [string, string])[] {
  const [first] = words;
  if (first !== undefined && first.equals < 0) {
    const [, name = '', value = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
    return [[name, value]];
  }
  return words.map(({ text, equals }) => {
    if (equals <= 0) throw new ApiError(400, `${JSON.stringify(text.slice(0, 80))} must be written name=value`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
}
