import type { Found, NameKey, Turn } from '../../model/index.ts';

export type { Found, NameKey } from '../../model/index.ts';

/** Asks the key's owner. `done` is called once, in a later turn or in this one. */
export type LookUp = (turn: Turn, key: NameKey, done: (turn: Turn, found: Found) => void) => void;
