import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { STACK_LIMITS } from './limits.ts';
import { StackFileError } from './stack-file-error.ts';

/** A value of the file with its line. */
export interface Located {
  readonly line: number;
  readonly node: unknown;
}

/** One key of a mapping. */
export interface Entry extends Located {
  readonly key: string;
}

/**
 * Reads a YAML file node by node and never as a whole: what aliases stand for is looked at where a value
 * is wanted, so that no file grows by them. Every error names the line.
 */
export class YamlReader {
  readonly file: string;
  readonly #lines = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument>;

  /** @throws StackFileError */
  constructor(text: string, file: string) {
    this.file = file;
    if (Buffer.byteLength(text) > STACK_LIMITS.fileBytes) {
      throw new StackFileError(file, 0, `a stack file may have ${STACK_LIMITS.fileBytes} bytes, this one has ${Buffer.byteLength(text)}`);
    }
    this.#document = this.#parse(text);
    const [first] = [...this.#document.errors, ...this.#document.warnings];
    if (first === undefined) return;
    const line = this.#lines.linePos(first.pos[0]).line;
    if (first.code === 'DUPLICATE_KEY') throw new StackFileError(file, line, `the key ${keyAt(text, first.pos[0])} is there already`);
    if (first.code === 'MULTIPLE_DOCS') throw new StackFileError(file, line, 'a second document begins here; a file holds one stack');
    throw new StackFileError(file, line, `this is not YAML: ${first.message}`);
  }

  get root(): Located {
    return { line: 1, node: this.#resolved(this.#document.contents, 1) };
  }

  /** The entries of a mapping, in the file's order. @throws StackFileError */
  mapping(at: Located, what: string): readonly Entry[] {
    const { node } = at;
    if (!isMap(node)) throw this.error(at, `${what}, got ${described(node)}`);
    return node.items.map((pair) => {
      const line = this.#lineOf(pair.key, at.line);
      const key = this.text({ line, node: this.#resolved(pair.key, line) }, 'a key');
      return { key, line, node: this.#resolved(pair.value, line) };
    });
  }

  /** As mapping, where a key without a value is a mapping of nothing. @throws StackFileError */
  entriesOrNone(at: Located, what: string): readonly Entry[] {
    const isNothing = at.node === undefined || (isScalar(at.node) && at.node.value === null);
    return isNothing ? [] : this.mapping(at, what);
  }

  isMapping({ node }: Located): boolean {
    return isMap(node);
  }

  /** Whether this is a mapping with such a key. */
  has({ node }: Located, key: string): boolean {
    return isMap(node) && node.has(key);
  }

  /** The elements of a list; undefined where it is none. */
  list(at: Located): readonly Located[] | undefined {
    if (!isSeq(at.node)) return undefined;
    return at.node.items.map((item) => {
      const line = this.#lineOf(item, at.line);
      return { line, node: this.#resolved(item, line) };
    });
  }

  /** A scalar as it stands in the file: `1.50` and `0x10` stay that. @throws StackFileError */
  text(at: Located, what: string): string {
    const { node } = at;
    if (!isScalar(node)) throw this.error(at, `${what} must be one value, got ${described(node)}`);
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
    if (node.value === null && text === '') throw this.error(at, `${what} has no value`);
    if (text.includes('\0')) throw this.error(at, `${what} can't hold a NUL byte`);
    return text;
  }

  error(at: { readonly line: number }, message: string): StackFileError {
    return new StackFileError(this.file, at.line, message);
  }

  #parse(text: string): ReturnType<typeof parseDocument> {
    try {
      return parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    } catch (error) {
      throw new StackFileError(this.file, 0, `this is not YAML: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #resolved(node: unknown, line: number): unknown {
    if (!isAlias(node)) return node ?? undefined;
    const meant = node.resolve(this.#document);
    if (meant === undefined) throw this.error({ line }, `*${node.source} names no anchor before it`);
    return meant;
  }

  #lineOf(node: unknown, otherwise: number): number {
    const start = (node as Partial<Node> | null | undefined)?.range?.[0];
    return start === undefined ? otherwise : this.#lines.linePos(start).line;
  }
}

/** A key as it stands in the file, quoted. */
function keyAt(text: string, position: number): string {
  const [key = ''] = /^(?:"[^"\n]*"|'[^'\n]*'|[^:,}\n]*)/.exec(text.slice(position, position + 80)) ?? [];
  return JSON.stringify(key.trim().replace(/^(["'])(.*)\1$/, '$2'));
}

function described(node: unknown): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  return JSON.stringify((node.source ?? 'another value').slice(0, 80));
}
