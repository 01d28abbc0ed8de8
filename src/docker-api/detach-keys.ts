/** Docker's: Ctrl-P, Ctrl-Q. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** A longer sequence nobody types. */
const MAX_KEYS = 16;
/** What Ctrl gives beyond the letters: NUL, and 27 to 31. */
const CONTROLS = '[\\]^_';

/**
 * The bytes of keys as `--detach-keys` names them: single characters and `ctrl-` with a letter or one of @ [ \ ] ^ _,
 * between commas. Empty: no keys. @throws RangeError naming the key
 */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === '') return [];
  const keys = text.split(',');
  if (keys.length > MAX_KEYS) throw new RangeError(`detach keys may be at most ${MAX_KEYS}, got ${keys.length}`);
  return keys.map((key) => {
    const byte = key.toLowerCase().startsWith('ctrl-') ? controlByte(key.slice('ctrl-'.length)) : plainByte(key);
    if (byte === undefined) {
      throw new RangeError(
        `${JSON.stringify(key)} is no detach key: write one character, or ctrl- with a letter, as in ${DEFAULT_DETACH_KEYS}`,
      );
    }
    return byte;
  });
}

function plainByte(key: string): number | undefined {
  return /^[\x20-\x7e]$/.test(key) ? key.charCodeAt(0) : undefined;
}

function controlByte(key: string): number | undefined {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase().charCodeAt(0) - 0x60;
  if (key === '@') return 0;
  const at = key.length === 1 ? CONTROLS.indexOf(key) : -1;
  return at < 0 ? undefined : 27 + at;
}

/**
 * Finds the detach keys in what is typed. The beginning of a sequence is kept back until it is known not to be one:
 * a program never sees the keys that end the view of it.
 */
export class DetachFilter {
  readonly #keys: readonly number[];
  #matched = 0;
  #detached = false;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What of it, and of what was kept back, is for the program. Nothing once detached. */
  push(chunk: Uint8Array): { readonly data: Uint8Array; readonly detached: boolean } {
    if (this.#keys.length === 0) return { data: chunk, detached: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      if (this.#detached) break;
      // Where the sequence breaks off, its tail and this byte may still begin another.
      while (this.#matched > 0 && byte !== this.#keys[this.#matched]) passed.push(...this.#release());
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else passed.push(byte);
      this.#detached = this.#matched === this.#keys.length;
    }
    return { data: Uint8Array.from(passed), detached: this.#detached };
  }

  /** What is kept back when there is nothing more to come. */
  flush(): Uint8Array {
    const kept = this.#detached ? [] : this.#keys.slice(0, this.#matched);
    this.#matched = 0;
    return Uint8Array.from(kept);
  }

  /** Gives back the first bytes kept, so many that the rest is the beginning of the sequence again. */
  #release(): readonly number[] {
    const kept = this.#keys.slice(0, this.#matched);
    let length = 1;
    while (!kept.slice(length).every((byte, i) => byte === this.#keys[i])) length++;
    this.#matched -= length;
    return kept.slice(0, length);
  }
}
