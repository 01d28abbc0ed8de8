import type { Type } from '../type.ts';

/** For every kind of a message union its number on the wire and the record of its other properties. */
export type Kinds<M extends { readonly kind: string }> = {
  readonly [K in M['kind']]: readonly [number: number, type: Type<Omit<Extract<M, { kind: K }>, 'kind'>>];
};
