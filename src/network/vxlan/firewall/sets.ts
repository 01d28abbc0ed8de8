import { assertNever } from '../../../lib/assert.ts';
import { formatIpv4 } from '../../../lib/ipv4.ts';
import type { NftField } from '../../../linux/nftables/elements.ts';

/**
 * Sets and maps of our nftables tables. All that changes is in them; the rules look things up and never change, so a
 * new endpoint or port costs one element, whatever else there is.
 */
export type FieldKind = 'ifname' | 'ipv4' | 'mac' | 'protocol' | 'port';

export interface SetShape {
  readonly family: 'ip' | 'bridge';
  readonly key: readonly FieldKind[];
  /** undefined: a set, not a map. */
  readonly data: readonly FieldKind[] | undefined;
}

export const SETS = {
  /** Underlay addresses whose VXLAN frames are taken. */
  members: { family: 'ip', key: ['ipv4'], data: undefined },
  /** Where members send them: this host's own. */
  underlay: { family: 'ip', key: ['ipv4'], data: undefined },
  /** From which device to which a network forwards within itself. */
  paths: { family: 'ip', key: ['ifname', 'ifname'], data: undefined },
  /** Bridges of networks that nothing leaves. */
  internal: { family: 'ip', key: ['ifname'], data: undefined },
  gateways: { family: 'ip', key: ['ipv4'], data: undefined },
  /** Which gateway a bridge's containers may talk to. */
  gateway_of: { family: 'ip', key: ['ifname', 'ipv4'], data: undefined },
  /** Published on every address of the host. */
  ports_any: { family: 'ip', key: ['protocol', 'port'], data: ['ipv4', 'port'] },
  /** Published on one. */
  ports_at: { family: 'ip', key: ['ipv4', 'protocol', 'port'], data: ['ipv4', 'port'] },
  /** Who is on a bridge: which of its frames come back to it when a port leads there. */
  on_bridge: { family: 'ip', key: ['ifname', 'ipv4'], data: undefined },
  /** What a container may call itself: its port, MAC and address. */
  endpoints: { family: 'bridge', key: ['ifname', 'mac', 'ipv4'], data: undefined },
} as const satisfies Record<string, SetShape>;

export type SetName = keyof typeof SETS;
export const SET_NAMES = Object.keys(SETS) as SetName[];

/** Addresses and ports as numbers, the rest as text. */
export type Value = string | number;

export interface Element {
  readonly key: readonly Value[];
  /** [] in a set. */
  readonly data: readonly Value[];
}

/** Elements by their key's text. */
export type Elements = ReadonlyMap<string, Element>;
export type FirewallWish = Readonly<Record<SetName, Elements>>;

export function elementsOf(elements: Iterable<Element>): Elements {
  const byKey = new Map<string, Element>();
  // The first of two holds: who else published that port has been refused by the node that was asked.
  for (const element of elements) if (!byKey.has(element.key.join(' '))) byKey.set(element.key.join(' '), element);
  return byKey;
}

export const elementKey = ({ key }: Element): string => key.join(' ');
export const sameElement = (a: Element, b: Element): boolean => a.data.join(' ') === b.data.join(' ');

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17 };
const IFNAME_BYTES = 16;

/** As nft(8) reads it. */
export function textOf(kind: FieldKind, value: Value): string {
  switch (kind) {
    case 'ifname':
      return `"${value}"`;
    case 'ipv4':
      return formatIpv4(Number(value));
    case 'mac':
    case 'protocol':
    case 'port':
      return String(value);
    default:
      return assertNever(kind);
  }
}

/** As the kernel keeps it. */
export function bytesOf(kind: FieldKind, value: Value): NftField {
  switch (kind) {
    case 'ifname': {
      const bytes = Buffer.alloc(IFNAME_BYTES);
      bytes.write(String(value), 0, IFNAME_BYTES - 1, 'latin1');
      return bytes;
    }
    case 'ipv4': {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(Number(value));
      return bytes;
    }
    case 'mac':
      return Buffer.from(String(value).replaceAll(':', ''), 'hex');
    case 'protocol':
      return Buffer.from([PROTOCOLS[String(value)] ?? 0]);
    case 'port': {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(Number(value));
      return bytes;
    }
    default:
      return assertNever(kind);
  }
}
