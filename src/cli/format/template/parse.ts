import { assertNever } from '../../../lib/assert.ts';
import { TemplateError } from './template-error.ts';
import { pieces, type Piece, type Token } from './tokens.ts';

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | { readonly kind: 'if' | 'with'; readonly pipeline: Pipeline; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | {
      readonly kind: 'range';
      /** None, the value's, or the key's and the value's. */
      readonly variables: readonly string[];
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'assign'; readonly variable: string; readonly pipeline: Pipeline };

/** Commands joined by `|`: the value of each is the last argument of the next. */
export type Pipeline = readonly Command[];
export interface Command {
  /** A function's name, or undefined: then the first operand is the value (or a method). */
  readonly call: string | undefined;
  readonly operands: readonly Operand[];
}
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  /** `from` undefined: the dot; '' is `$`, the value the template began with. */
  | { readonly kind: 'path'; readonly from: string | undefined; readonly fields: readonly string[] }
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly fields: readonly string[] };

/** Deeper nesting is refused, so that no template exhausts the stack. */
const MAX_DEPTH = 64;
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['nil', null],
]);
const BLOCKS = new Set(['if', 'with', 'range']);

/**
 * Reads the part of Go's text/template that format options use: paths, pipelines, functions, if,
 * range, with, variables, comments, trimming.
 * @throws TemplateError
 */
export function parseTemplate(template: string): readonly Node[] {
  const source = new Source(pieces(template));
  const nodes = source.nodes(0);
  if (source.end !== undefined) throw new TemplateError(`{{${source.end.source}}} ends nothing`);
  return nodes;
}

type Action = Extract<Piece, { kind: 'action' }>;

/** Walks the pieces; `end` is the else or end at which the last list of nodes stopped. */
class Source {
  readonly #pieces: readonly Piece[];
  #at = 0;
  end: Action | undefined;

  constructor(all: readonly Piece[]) {
    this.#pieces = all;
  }

  nodes(depth: number): Node[] {
    if (depth > MAX_DEPTH) throw new TemplateError(`the template nests deeper than ${MAX_DEPTH} levels`);
    const out: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at++];
      this.end = undefined;
      if (piece === undefined) return out;
      if (piece.kind === 'text') {
        out.push(piece);
        continue;
      }
      const first = piece.tokens[0];
      const word = first?.kind === 'word' ? first.text : '';
      if (word === 'end' || word === 'else') {
        this.end = piece;
        return out;
      }
      out.push(BLOCKS.has(word) ? this.#block(word as 'if' | 'with' | 'range', piece.tokens.slice(1), piece.source, depth) : simple(piece));
    }
  }

  #block(word: 'if' | 'with' | 'range', head: readonly Token[], source: string, depth: number): Node {
    const reader = new Reader(head, source);
    const variables = word === 'range' ? reader.variables() : [];
    const pipeline = reader.whole();
    const body = this.nodes(depth + 1);
    const otherwise = this.#otherwise(source, depth);
    return word === 'range' ? { kind: 'range', variables, pipeline, body, otherwise } : { kind: word, pipeline, body, otherwise };
  }

  /** What follows `else`, or `else if`, up to the block's `end`. */
  #otherwise(source: string, depth: number): readonly Node[] {
    const stop = this.end;
    if (stop === undefined) throw new TemplateError(`{{${source}}} has no {{end}}`);
    const [word, next, ...rest] = stop.tokens;
    if (word?.kind === 'word' && word.text === 'end') {
      if (next !== undefined) throw new TemplateError(`can't read {{${stop.source}}}`);
      return [];
    }
    if (next?.kind === 'word' && (next.text === 'if' || next.text === 'with'))
      return [this.#block(next.text, rest, stop.source, depth + 1)];
    if (next !== undefined) throw new TemplateError(`can't read {{${stop.source}}}`);
    const nodes = this.nodes(depth + 1);
    const last = this.end?.tokens[0];
    if (last?.kind !== 'word' || last.text !== 'end') throw new TemplateError(`{{${source}}} has no {{end}} after its {{else}}`);
    return nodes;
  }
}

function simple(piece: Action): Node {
  const reader = new Reader(piece.tokens, piece.source);
  const variable = reader.variables();
  if (variable.length > 1) throw new TemplateError(`can't read {{${piece.source}}}: only range sets two variables`);
  const pipeline = reader.whole();
  return variable[0] === undefined ? { kind: 'output', pipeline } : { kind: 'assign', variable: variable[0], pipeline };
}

/** Reads the tokens of one action. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #source: string;
  #at = 0;

  constructor(tokens: readonly Token[], source: string) {
    this.#tokens = tokens;
    this.#source = source;
  }

  /** `$v :=` or `$k, $v :=` at the start, if it is there. */
  variables(): string[] {
    const found: string[] = [];
    for (let i = 0; i < 4; i += 2) {
      const [variable, mark] = [this.#tokens[i], this.#tokens[i + 1]];
      if (variable?.kind !== 'variable' || (mark?.kind !== ',' && mark?.kind !== ':=')) return [];
      found.push(variable.name);
      if (mark.kind === ':=') {
        this.#at = i + 2;
        return found;
      }
    }
    return [];
  }

  whole(): Pipeline {
    const pipeline = this.#pipeline(0);
    if (this.#at < this.#tokens.length) throw this.#unreadable();
    return pipeline;
  }

  #pipeline(depth: number): Pipeline {
    if (depth > MAX_DEPTH) throw new TemplateError(`{{${this.#source}}} nests deeper than ${MAX_DEPTH} levels`);
    const commands = [this.#command(depth)];
    while (this.#tokens[this.#at]?.kind === '|') {
      this.#at++;
      commands.push(this.#command(depth));
    }
    return commands;
  }

  #command(depth: number): Command {
    const first = this.#tokens[this.#at];
    const call = first?.kind === 'word' && !CONSTANTS.has(first.text) ? first.text : undefined;
    if (call !== undefined) this.#at++;
    const operands: Operand[] = [];
    for (;;) {
      const operand = this.#operand(depth);
      if (operand === undefined) break;
      operands.push(operand);
    }
    if (call === undefined && operands.length === 0) throw this.#unreadable();
    return { call, operands };
  }

  #operand(depth: number): Operand | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined) return undefined;
    switch (token.kind) {
      case 'literal':
        this.#at++;
        return { kind: 'literal', value: token.value };
      case 'word': {
        const value = CONSTANTS.get(token.text);
        if (value === undefined) throw this.#unreadable();
        this.#at++;
        return { kind: 'literal', value };
      }
      case 'dot':
        this.#at++;
        return { kind: 'path', from: undefined, fields: [] };
      case 'variable':
        this.#at++;
        return { kind: 'path', from: token.name, fields: this.#fields() };
      case 'field':
        this.#at++;
        return { kind: 'path', from: undefined, fields: [token.name, ...this.#fields()] };
      case '(': {
        this.#at++;
        const pipeline = this.#pipeline(depth + 1);
        if (this.#tokens[this.#at]?.kind !== ')') throw this.#unreadable();
        this.#at++;
        return { kind: 'group', pipeline, fields: this.#fields() };
      }
      case ')':
      case '|':
      case ',':
      case ':=':
        return undefined;
      default:
        return assertNever(token);
    }
  }

  #fields(): string[] {
    const out: string[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== 'field' || token.spaced) return out;
      out.push(token.name);
      this.#at++;
    }
  }

  #unreadable(): TemplateError {
    return new TemplateError(`can't read {{${this.#source}}}`);
  }
}
