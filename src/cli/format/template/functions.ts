import { TemplateError } from './template-error.ts';

export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Go's truth: false, 0, nothing, and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return false;
  if (typeof value === 'object') return Object.keys(value).length > 0;
  return true;
}

/** Prints as Go's `%v`: `[a b]` for lists, `map[k:v]` with sorted keys for objects. */
export function show(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') {
    const rows = Object.entries(value).filter(([, v]) => typeof v !== 'function');
    return `map[${rows
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${k}:${show(v)}`)
      .join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Those of text/template and of Docker's own that format options are seen to use. */
export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', (value) => JSON.stringify(value ?? null)],
  ['index', (value, ...keys) => keys.reduce(element, value)],
  ['len', (value) => size(value)],
  ['join', (list, separator) => items(list, 'join').map(show).join(show(separator))],
  ['split', (text, separator) => show(text).split(show(separator))],
  ['upper', (text) => show(text).toUpperCase()],
  ['lower', (text) => show(text).toLowerCase()],
  ['title', (text) => show(text).replace(/(^|\s)\S/g, (c) => c.toUpperCase())],
  ['truncate', (text, length) => show(text).slice(0, Number(length))],
  ['pad', (text, before, after) => ' '.repeat(bounded(before)) + show(text) + ' '.repeat(bounded(after))],
  ['print', (...values) => values.map(show).join('')],
  ['println', (...values) => `${values.map(show).join(' ')}\n`],
  ['printf', (format, ...values) => printf(show(format), values)],
  ['not', (value) => !isTrue(value)],
  ['and', (...values) => values.find((v) => !isTrue(v)) ?? values.at(-1)],
  ['or', (...values) => values.find(isTrue) ?? values.at(-1)],
  ['eq', (first, ...others) => others.includes(first)],
  ['ne', (a, b) => a !== b],
  ['lt', (a, b) => Number(a) < Number(b)],
  ['le', (a, b) => Number(a) <= Number(b)],
  ['gt', (a, b) => Number(a) > Number(b)],
  ['ge', (a, b) => Number(a) >= Number(b)],
]);

const MAX_PAD = 1_000;

function bounded(count: unknown): number {
  const n = Math.trunc(Number(count));
  return Number.isFinite(n) ? Math.min(Math.max(n, 0), MAX_PAD) : 0;
}

function element(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const found: unknown = value[Number(key)];
    if (found === undefined) throw new TemplateError(`index ${show(key)} is out of range: the list has ${value.length} elements`);
    return found;
  }
  if (typeof value === 'object' && value !== null)
    return Object.hasOwn(value, show(key)) ? (value as Record<string, unknown>)[show(key)] : undefined;
  if (value === null || value === undefined) return undefined;
  throw new TemplateError(`index needs a list or a map, got ${show(value)}`);
}

function items(value: unknown, user: string): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new TemplateError(`${user} needs a list, got ${show(value)}`);
}

function size(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'string') return value.length;
  if (typeof value === 'object') return Object.keys(value).length;
  throw new TemplateError(`len needs a list, a map or a text, got ${show(value)}`);
}

function printf(format: string, values: readonly unknown[]): string {
  let next = 0;
  return format.replace(
    /%(-?)(\d{0,3})(?:\.(\d{1,3}))?([sdvqtx%])/g,
    (_all, left: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const value = values[next++];
      const text =
        verb === 'q' ? JSON.stringify(show(value)) : verb === 'x' && typeof value === 'number' ? value.toString(16) : show(value);
      const cut = precision === undefined ? text : text.slice(0, Number(precision));
      return left === '' ? cut.padStart(Number(width)) : cut.padEnd(Number(width));
    },
  );
}
