import { assert } from '../../lib/assert.ts';
import { WireError } from './error.ts';
import type { Reader } from './reader.ts';
import { FRAMING, readFramed, skipFramed, writeFramed } from './type.ts';
import type { Type } from './type.ts';
import type { Writer } from './writer.ts';

/** Field number and type for every property of T: the compiler refuses a schema that lacks one or has one too many. */
export type Fields<T> = { readonly [K in keyof T]-?: readonly [number: number, type: Type<T[K]>] };

/** One entry of a Fields table with its property's type forgotten: the tables are checked, the loops over them can't be. */
interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: Type<unknown>;
}

/**
 * A record as tagged fields in ascending order of their numbers. Numbers are never used again for
 * something else; a reader steps over those it doesn't know, so a record may grow fields that have
 * an absent value.
 */
export function record<T extends object>(fields: Fields<T>): Type<T> {
  const table = Object.entries<readonly [number, Type<never>]>(fields as never)
    .map(([name, [number, type]]): Field => ({ name, number, type: type as unknown as Type<unknown> }))
    .sort((a, b) => a.number - b.number);
  const byNumber = new Map(table.map((field) => [field.number, field]));
  assert(byNumber.size === table.length, `a schema uses a field number twice: ${table.map((f) => f.number).join(', ')}`);
  return {
    framing: FRAMING.delimited,
    write: (out, value) => writeFields(out, table, value as Record<string, unknown>),
    read: (input) => readFields(input, table, byNumber) as T,
  };
}

/**
 * A list of variants of a union, told apart by `kind`. Unknown variants are left out, so that gossip
 * may carry new kinds of news past older nodes.
 */
export function variants<T extends { readonly kind: string }>(
  table: { readonly [K in T['kind']]: readonly [number: number, type: Type<Omit<Extract<T, { kind: K }>, 'kind'>>] },
  max: number,
): Type<readonly T[]> {
  const byKind = new Map(Object.entries(table) as [string, readonly [number, Type<object>]][]);
  const byNumber = new Map([...byKind].map(([kind, [number, type]]) => [number, { kind, type }]));
  const tooLong = (): WireError => new WireError('too-long', `takes at most ${max} entries`);
  return {
    framing: FRAMING.delimited,
    write: (out, values) => {
      if (values.length > max) throw tooLong();
      for (const value of values) {
        const variant = byKind.get(value.kind);
        assert(variant !== undefined, `no variant is called ${value.kind}`);
        out.varint(variant[0]);
        writeFramed(out, variant[1], value);
      }
    },
    read: (input) => {
      const values: T[] = [];
      for (let seen = 0; input.left > 0; seen++) {
        if (seen === max) throw tooLong();
        const variant = byNumber.get(input.varint());
        if (variant === undefined) skipFramed(input, FRAMING.delimited);
        else values.push({ kind: variant.kind, ...readFramed(input, variant.type) } as unknown as T);
      }
      return values;
    },
    absent: { value: () => [], is: (values) => values.length === 0 },
  };
}

function writeFields(out: Writer, table: readonly Field[], value: Readonly<Record<string, unknown>>): void {
  for (const { name, number, type } of table) {
    const member = value[name];
    if (type.absent?.is(member)) continue;
    try {
      out.varint(number * FRAMINGS + type.framing);
      writeFramed(out, type, member);
    } catch (error) {
      throw error instanceof WireError ? error.within(name) : error;
    }
  }
}

function readFields(input: Reader, table: readonly Field[], byNumber: ReadonlyMap<number, Field>): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  while (input.left > 0) {
    const tag = input.varint();
    const framing = tag % FRAMINGS;
    const field = byNumber.get((tag - framing) / FRAMINGS);
    if (field === undefined) {
      skipFramed(input, framing);
      continue;
    }
    if (framing !== field.type.framing) throw new WireError('malformed', `has framing ${framing}`, field.name);
    if (Object.hasOwn(value, field.name)) throw new WireError('malformed', 'is there twice', field.name);
    try {
      value[field.name] = readFramed(input, field.type);
    } catch (error) {
      throw error instanceof WireError ? error.within(field.name) : error;
    }
  }
  for (const { name, type } of table) {
    if (Object.hasOwn(value, name)) continue;
    if (type.absent === undefined) throw new WireError('missing', 'is not there', name);
    value[name] = type.absent.value();
  }
  return value;
}

/** Three bits of a tag are its framing. */
const FRAMINGS = 8;
