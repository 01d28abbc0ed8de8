/** Checks on JSON that came from elsewhere. Each throws an Error naming the field, never its value: it may be a secret. */
import { isIP } from 'node:net';
import { CPU_CLASSES, LIMITS, nodeId } from '../../core/model/index.ts';
import type { Address, CpuClass, NodeId } from '../../core/model/index.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function checkObject(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object`);
  return value as Fields;
}

export function checkText(value: unknown, what: string, maxBytes: number, pattern = /^/): string {
  if (typeof value !== 'string' || Buffer.byteLength(value) > maxBytes || !pattern.test(value)) {
    throw new Error(`${what} must be a text of at most ${maxBytes} bytes${pattern.source === '^' ? '' : ` like ${pattern.source}`}`);
  }
  return value;
}

export function checkInteger(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${what} must be an integer from ${min} to ${max}`);
  }
  return value;
}

export function checkNodeId(value: unknown, what: string): NodeId {
  return nodeId(checkText(value, what, 32, /^[0-9a-f]{32}$/));
}

export function checkAddress(value: unknown): Address {
  const { ip, controlPort, gossipPort } = checkObject(value, 'address');
  const literal = checkText(ip, 'address.ip', 45);
  if (isIP(literal) === 0) throw new Error('address.ip must be an IPv4 or IPv6 address');
  return {
    ip: literal,
    controlPort: checkInteger(controlPort, 'address.controlPort', 1, 65_535),
    gossipPort: checkInteger(gossipPort, 'address.gossipPort', 1, 65_535),
  };
}

export function checkClass(value: unknown): CpuClass {
  const found = CPU_CLASSES.find((name) => name === value);
  if (found === undefined) throw new Error(`class must be one of ${CPU_CLASSES.join(', ')}`);
  return found;
}

export function checkLabels(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(checkObject(value, 'labels'));
  if (entries.length > LIMITS.labels) throw new Error(`labels must be at most ${LIMITS.labels}`);
  const checked = entries.map(([key, text]) => [key, checkText(text, 'a label', LIMITS.labelBytes)] as const);
  const bytes = checked.reduce((sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text), 0);
  if (bytes > LIMITS.labelBytes) throw new Error(`labels must have at most ${LIMITS.labelBytes} bytes in all`);
  return Object.fromEntries(checked);
}
