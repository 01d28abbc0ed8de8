import { type NetworkId, nodeId, type NodeId } from '../../core/model/index.ts';
import { type Cidr, formatCidr, parseCidr, parseIpv4 } from '../../lib/ipv4.ts';

/** Checks on the fields of a value; each throws an Error naming the field. */
export type Fields = Readonly<Record<string, unknown>>;

export function textOf(value: unknown, what: string, maxLength: number, pattern?: RegExp): string {
  if (typeof value !== 'string' || value.length > maxLength || pattern?.test(value) === false) {
    throw new Error(`${what} must be a text of at most ${maxLength} characters${pattern === undefined ? '' : ` like ${pattern.source}`}`);
  }
  return value;
}

export function integerOf(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${what} must be an integer from ${min} to ${max}`);
  }
  return value;
}

export function flagOf(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new Error(`${what} must be true or false`);
  return value;
}

/** Wall-clock ms since 1970. */
export const momentOf = (value: unknown, what: string): number => integerOf(value, what, 0, Number.MAX_SAFE_INTEGER);

export const nodeIdOf = (value: unknown, what: string): NodeId => nodeId(textOf(value, what, 32, /^[0-9a-f]{32}$/));

export function nodeIdsOf(value: unknown, what: string, max: number): readonly NodeId[] {
  if (!Array.isArray(value) || value.length > max) throw new Error(`${what} must be a list of at most ${max} node ids`);
  return value.map((each) => nodeIdOf(each, what));
}

export const networkIdOf = (value: unknown, what: string): NetworkId => textOf(value, what, 64, /^[0-9a-f]{64}$/) as NetworkId;

export function ipv4Of(value: unknown, what: string): number {
  const address = parseIpv4(textOf(value, what, 15));
  if (address === undefined) throw new Error(`${what} must be an IPv4 address`);
  return address;
}

/** With its host bits clear: one block has one text. */
export function cidrOf(value: unknown, what: string): Cidr {
  const text = textOf(value, what, 18);
  const cidr = parseCidr(text);
  if (cidr === undefined || formatCidr(cidr) !== text) throw new Error(`${what} must be a block of IPv4 addresses`);
  return cidr;
}

/** At most `maxEntries` texts with at most `maxLength` characters in all. */
export function textsOf(value: unknown, what: string, maxEntries: number, maxLength: number): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object`);
  const entries = Object.entries(value).map(([key, text]) => [key, textOf(text, what, maxLength)] as const);
  const length = entries.reduce((sum, [key, text]) => sum + key.length + text.length, 0);
  if (entries.length > maxEntries || length > maxLength) {
    throw new Error(`${what} must be at most ${maxEntries} texts of ${maxLength} characters in all`);
  }
  return Object.fromEntries(entries);
}
