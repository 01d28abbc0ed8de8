/** IPv4 as unsigned 32-bit numbers (RFC 791) and blocks of them (RFC 4632): arithmetic where text would mislead. */
export interface Cidr {
  /** First address; the bits beyond the prefix are 0. */
  readonly base: number;
  /** 0 to 32. */
  readonly prefix: number;
}

/** Dotted decimal with four parts and no leading zeros; undefined: not one. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(address: number): string {
  return [address / 2 ** 24, address / 2 ** 16, address / 2 ** 8, address].map((n) => Math.floor(n) % 256).join('.');
}

/** `10.0.0.0/24`; host bits that are set are cleared, as Docker does. undefined: not one. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip = '', length = '', ...rest] = text.split('/');
  const address = parseIpv4(ip);
  if (address === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(length) || Number(length) > 32) return undefined;
  return blockAt(address, Number(length));
}

export const formatCidr = ({ base, prefix }: Cidr): string => `${formatIpv4(base)}/${prefix}`;

/** The block of that prefix length that holds `address`. */
export function blockAt(address: number, prefix: number): Cidr {
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(address / size) * size, prefix };
}

/** How many addresses. */
export const sizeOf = ({ prefix }: Cidr): number => 2 ** (32 - prefix);
export const lastOf = (block: Cidr): number => block.base + sizeOf(block) - 1;
export const holds = (block: Cidr, address: number): boolean => address >= block.base && address <= lastOf(block);
export const overlaps = (a: Cidr, b: Cidr): boolean => a.base <= lastOf(b) && b.base <= lastOf(a);
export const sameBlock = (a: Cidr, b: Cidr): boolean => a.base === b.base && a.prefix === b.prefix;

/** The lower and the upper half. A /32 has none. */
export function halves({ base, prefix }: Cidr): readonly [Cidr, Cidr] | undefined {
  if (prefix === 32) return undefined;
  return [
    { base, prefix: prefix + 1 },
    { base: base + 2 ** (31 - prefix), prefix: prefix + 1 },
  ];
}
