/** A value from a workload file with its path, so that whoever reads it can say where it is wrong. */
export class Field {
  readonly #value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.path = path;
  }

  get absent(): boolean {
    return this.#value === undefined;
  }

  /** A member of an object; absent where there is none. @throws Error where this is no object */
  get(key: string): Field {
    return new Field(this.#members()[key], this.path === '' ? key : `${this.path}.${key}`);
  }

  /** The members of an object, in the file's order. */
  entries(): readonly (readonly [key: string, field: Field])[] {
    return Object.keys(this.#members()).map((key) => [key, this.get(key)]);
  }

  /** That an object has no members but these, and `comment`: a misspelt one would be left out in silence. */
  only(...known: readonly string[]): this {
    for (const [key, field] of this.entries()) {
      if (!known.includes(key) && key !== 'comment')
        throw new Error(`${field.path}: not known here; ${this.path === '' ? 'the file' : this.path} has ${known.join(', ')}`);
    }
    return this;
  }

  /** At least one item. */
  items(): readonly Field[] {
    if (!Array.isArray(this.#value) || this.#value.length === 0) throw this.wrong('needs a list with something in it');
    return this.#value.map((item: unknown, i) => new Field(item, `${this.path}[${i}]`));
  }

  /** A list of one number for each name, as a row of a table. */
  row(...columns: readonly string[]): readonly Field[] {
    const items = this.items();
    if (items.length !== columns.length) throw this.wrong(`needs ${columns.length} figures (${columns.join(', ')})`);
    return items;
  }

  number(min: number, max: number): number {
    const value = this.#value;
    if (typeof value !== 'number' || !(value >= min && value <= max)) throw this.wrong(`needs a number from ${min} to ${max}`);
    return value;
  }

  whole(min: number, max: number): number {
    const value = this.number(min, max);
    if (!Number.isInteger(value)) throw this.wrong('needs a whole number');
    return value;
  }

  word<const Word extends string>(words: readonly Word[]): Word {
    const found = words.find((word) => word === this.#value);
    if (found === undefined) throw this.wrong(`needs ${words.map((word) => JSON.stringify(word)).join(' or ')}`);
    return found;
  }

  /** Whether this is an object with all of these members. */
  has(...keys: readonly string[]): boolean {
    const value = this.#value;
    return typeof value === 'object' && value !== null && !Array.isArray(value) && keys.every((key) => key in value);
  }

  /** An error that names this place and what is there. */
  wrong(what: string): Error {
    return new Error(`${this.path === '' ? 'the file' : this.path}: ${what}, got ${shown(this.#value)}`);
  }

  #members(): Readonly<Record<string, unknown>> {
    if (!this.has()) throw this.wrong('needs an object');
    return this.#value as Readonly<Record<string, unknown>>;
  }
}

const SHOWN_CHARACTERS = 80;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
