/** How far an address or a route reaches: enum rt_scope_t of linux/rtnetlink.h. */
export type Scope = 'global' | 'link' | 'host' | 'other';

const NUMBERS: Record<Scope, number> = { global: 0, link: 253, host: 254, other: 255 };

export const scopeNumber = (scope: Scope): number => NUMBERS[scope];

export function scopeOf(number: number): Scope {
  switch (number) {
    case NUMBERS.global:
      return 'global';
    case NUMBERS.link:
      return 'link';
    case NUMBERS.host:
      return 'host';
    default:
      return 'other';
  }
}
