import { ApiError } from './api-error.ts';

/** Of a pattern, so that the states it is made of stay few. */
const MAX_CHARACTERS = 300;
const MAX_DEPTH = 20;

/** A place in a pattern: what it takes there, and where it goes on. */
type State =
  | { readonly kind: 'take'; readonly takes: (character: string) => boolean; next: number }
  | { readonly kind: 'fork'; next: number; other: number }
  | { readonly kind: 'start' | 'end'; next: number }
  | { readonly kind: 'found' };

/** A part of a pattern: where it begins, and the ends that what follows is hung on. */
interface Part {
  readonly begin: number;
  readonly hang: (next: number) => void;
}

/**
 * Whether a text has what a pattern of Docker's `name` filter says somewhere: literals, `.`, `[a-z]`, `\d` `\w` `\s`, groups,
 * `|`, `*`, `+`, `?`, `^`, `$`. Takes time by length of text times length of pattern, whatever they are (Thompson,
 * "Regular expression search algorithm", 1968): a client's pattern cannot stall the daemon. @throws ApiError 400
 */
export function namePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > MAX_CHARACTERS) throw unusable(pattern, `it is longer than ${MAX_CHARACTERS} characters`);
  const states: State[] = [];
  const begin = new PatternReader(pattern, states).read();
  return (text) => found(states, begin, text);
}

function found(states: readonly State[], begin: number, text: string): boolean {
  let at = new Set<number>();
  for (let i = 0; ; i++) {
    const here = new Set<number>();
    // It may begin anywhere.
    for (const state of [...at, begin]) enter(states, state, i === 0, i === text.length, here);
    const character = text[i];
    at = new Set();
    for (const number of here) {
      const state = states[number];
      if (state?.kind === 'found') return true;
      if (state?.kind === 'take' && character !== undefined && state.takes(character)) at.add(state.next);
    }
    if (character === undefined) return false;
  }
}

/** Adds a state, and those that are reached from it without a character. */
function enter(states: readonly State[], number: number, isStart: boolean, isEnd: boolean, here: Set<number>): void {
  const waiting = [number];
  for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
    if (here.has(each)) continue;
    here.add(each);
    const state = states[each];
    if (state?.kind === 'fork') waiting.push(state.next, state.other);
    if ((state?.kind === 'start' && isStart) || (state?.kind === 'end' && isEnd)) waiting.push(state.next);
  }
}

class PatternReader {
  readonly #pattern: string;
  readonly #states: State[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string, states: State[]) {
    this.#pattern = pattern;
    this.#states = states;
  }

  /** The number of the first state. */
  read(): number {
    const part = this.#alternatives();
    if (this.#at < this.#pattern.length) throw unusable(this.#pattern, 'it has a ) without a (');
    part.hang(this.#add({ kind: 'found' }));
    return part.begin;
  }

  #alternatives(): Part {
    let left = this.#sequence();
    while (this.#take('|')) left = this.#either(left, this.#sequence());
    return left;
  }

  #sequence(): Part {
    let all = this.#nothing();
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#peek())) {
      const next = this.#repeated(this.#single());
      const before = all;
      before.hang(next.begin);
      all = { begin: before.begin, hang: next.hang };
    }
    return all;
  }

  #repeated(part: Part): Part {
    if (this.#take('?')) return this.#either(part, this.#nothing());
    const any = this.#take('*');
    if (!any && !this.#take('+')) return part;
    const fork = this.#add({ kind: 'fork', next: part.begin, other: -1 });
    part.hang(fork);
    return { begin: any ? fork : part.begin, hang: (next) => this.#link(fork, 'other', next) };
  }

  #single(): Part {
    if (this.#take('(')) return this.#group();
    const character = this.#peek();
    this.#at++;
    if (character === '^' || character === '$') return this.#one({ kind: character === '^' ? 'start' : 'end', next: -1 });
    if ('*+?'.includes(character)) throw unusable(this.#pattern, `there is nothing for ${character} to repeat`);
    if (character === '.') return this.#taking(() => true);
    if (character === '[') return this.#taking(this.#class());
    if (character === '\\') return this.#taking(this.#escaped());
    return this.#taking((each) => each === character);
  }

  #group(): Part {
    if (++this.#depth > MAX_DEPTH) throw unusable(this.#pattern, `its groups are more than ${MAX_DEPTH} deep`);
    if (this.#take('?') && !this.#take(':')) throw unusable(this.#pattern, 'it has a group of a kind that is not known here');
    const part = this.#alternatives();
    if (!this.#take(')')) throw unusable(this.#pattern, 'it has a ( without a )');
    this.#depth--;
    return part;
  }

  #class(): (character: string) => boolean {
    const inverted = this.#take('^');
    const takes: ((character: string) => boolean)[] = [];
    do {
      if (this.#at >= this.#pattern.length) throw unusable(this.#pattern, 'it has a [ without a ]');
      const from = this.#peek();
      this.#at++;
      const to = this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']' ? this.#pattern[this.#at + 1] : undefined;
      if (from === '\\') takes.push(this.#escaped());
      else if (to === undefined) takes.push((each) => each === from);
      else {
        this.#at += 2;
        takes.push((each) => each >= from && each <= to);
      }
    } while (!this.#take(']'));
    return (character) => takes.some((each) => each(character)) !== inverted;
  }

  #escaped(): (character: string) => boolean {
    const character = this.#peek();
    this.#at++;
    const known: Readonly<Record<string, RegExp>> = { d: /\d/, w: /\w/, s: /\s/, D: /\D/, W: /\W/, S: /\S/ };
    const kind = known[character];
    if (kind !== undefined) return (each) => kind.test(each);
    if (character === '' || /[a-zA-Z0-9]/.test(character))
      throw unusable(this.#pattern, `it has a \\${character}, which is not known here`);
    return (each) => each === character;
  }

  #either(one: Part, other: Part): Part {
    const begin = this.#add({ kind: 'fork', next: one.begin, other: other.begin });
    return {
      begin,
      hang: (next) => {
        one.hang(next);
        other.hang(next);
      },
    };
  }

  #nothing(): Part {
    const fork = this.#add({ kind: 'fork', next: -1, other: -1 });
    return { begin: fork, hang: (next) => this.#link(fork, 'next', next) };
  }

  #taking(takes: (character: string) => boolean): Part {
    return this.#one({ kind: 'take', takes, next: -1 });
  }

  #one(state: State): Part {
    const begin = this.#add(state);
    return { begin, hang: (next) => this.#link(begin, 'next', next) };
  }

  #link(number: number, where: 'next' | 'other', next: number): void {
    const state = this.#states[number];
    if (state?.kind === 'fork') state[where] = next;
    else if (state !== undefined && state.kind !== 'found') state.next = next;
  }

  #add(state: State): number {
    return this.#states.push(state) - 1;
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? '';
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }
}

function unusable(pattern: string, why: string): ApiError {
  return new ApiError(400, `invalid filter 'name': ${JSON.stringify(pattern.slice(0, 100))} cannot be used: ${why}`);
}
