import { TemplateError } from './template-error.ts';

/** What stands between `{{` and `}}`. `spaced`: white space precedes it (`.A.B` is one path, `.A .B` two operands). */
export type Token = { readonly spaced: boolean } & TokenBody;
type TokenBody =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'dot' | '(' | ')' | '|' | ',' | ':=' };

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly tokens: readonly Token[] };

/** Splits a template into text and actions; `{{-` and `-}}` take the white space beside them away. */
export function pieces(template: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  let trimNext = false;
  const text = (raw: string, trimEnd: boolean) => {
    const left = trimNext ? raw.trimStart() : raw;
    const kept = trimEnd ? left.trimEnd() : left;
    if (kept !== '') out.push({ kind: 'text', text: kept });
  };
  for (;;) {
    const open = template.indexOf('{{', at);
    if (open < 0) {
      text(template.slice(at), false);
      return out;
    }
    const trimsBefore = /^\{\{-\s/.test(template.slice(open, open + 4));
    text(template.slice(at, open), trimsBefore);
    const start = open + (trimsBefore ? 3 : 2);
    const close = endOfAction(template, start);
    const inside = template.slice(start, close);
    trimNext = /\s-$/.test(inside);
    const source = (trimNext ? inside.slice(0, -1) : inside).trim();
    if (!source.startsWith('/*')) out.push({ kind: 'action', source, tokens: tokens(source) });
    at = close + 2;
  }
}

/** The place of the `}}` that ends the action; one within quotes doesn't. */
function endOfAction(template: string, start: number): number {
  let quote = '';
  for (let i = start; i < template.length; i++) {
    const c = template[i] as string;
    if (quote !== '') {
      if (c === '\\' && quote === '"') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === '`') quote = c;
    else if (c === '}' && template[i + 1] === '}') return i;
  }
  throw new TemplateError(`the template ${JSON.stringify(template)} has a {{ without its }}`);
}

const PATTERNS: readonly (readonly [RegExp, (text: string) => TokenBody])[] = [
  [/^"(?:[^"\\]|\\.)*"/, (t) => ({ kind: 'literal', value: unquote(t) })],
  [/^`[^`]*`/, (t) => ({ kind: 'literal', value: t.slice(1, -1) })],
  [/^-?\d+(?:\.\d+)?/, (t) => ({ kind: 'literal', value: Number(t) })],
  [/^\.[A-Za-z_][A-Za-z0-9_]*/, (t) => ({ kind: 'field', name: t.slice(1) })],
  [/^\$[A-Za-z0-9_]*/, (t) => ({ kind: 'variable', name: t.slice(1) })],
  [/^[A-Za-z_][A-Za-z0-9_]*/, (t) => ({ kind: 'word', text: t })],
  [/^\./, () => ({ kind: 'dot' })],
  [/^:=/, () => ({ kind: ':=' })],
  [/^[()|,]/, (t) => ({ kind: t as '(' | ')' | '|' | ',' })],
];

function tokens(source: string): Token[] {
  const out: Token[] = [];
  let rest = source;
  for (;;) {
    const trimmed = rest.trimStart();
    if (trimmed === '') return out;
    const spaced = trimmed.length < rest.length;
    const { text, make } = firstToken(trimmed, source);
    out.push({ spaced, ...make(text) });
    rest = trimmed.slice(text.length);
  }
}

function firstToken(rest: string, source: string): { readonly text: string; readonly make: (text: string) => TokenBody } {
  for (const [pattern, make] of PATTERNS) {
    const text = pattern.exec(rest)?.[0];
    if (text !== undefined) return { text, make };
  }
  throw new TemplateError(`in {{${source}}}: can't read ${JSON.stringify(rest.slice(0, 20))}`);
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new TemplateError(`${text} is not a string: it has an unknown escape`);
  }
}
