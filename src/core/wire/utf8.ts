import { utf8Width } from '../../lib/utf8.ts';
import { WireError } from './error.ts';

/** UTF-8 (RFC 3629) by hand, as the core has no TextEncoder. A lone surrogate is written as U+FFFD. */

const REPLACEMENT = 0xfffd;

/** Writes `text` at `at`; the caller has made room for `utf8Length(text)` bytes. Returns the index after it. */
export function utf8Write(text: string, into: Uint8Array, at: number): number {
  let to = at;
  for (let i = 0; i < text.length; i++) {
    let point = text.codePointAt(i) as number;
    if (point > 0xffff) i++;
    else if (point >= 0xd800 && point < 0xe000) point = REPLACEMENT;
    if (point < 0x80) {
      into[to++] = point;
    } else if (point < 0x800) {
      into[to++] = 0xc0 | (point >> 6);
      into[to++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      into[to++] = 0xe0 | (point >> 12);
      into[to++] = 0x80 | ((point >> 6) & 0x3f);
      into[to++] = 0x80 | (point & 0x3f);
    } else {
      into[to++] = 0xf0 | (point >> 18);
      into[to++] = 0x80 | ((point >> 12) & 0x3f);
      into[to++] = 0x80 | ((point >> 6) & 0x3f);
      into[to++] = 0x80 | (point & 0x3f);
    }
  }
  return to;
}

/** @throws WireError on overlong forms, surrogates, stray or missing continuation bytes */
export function utf8Read(bytes: Uint8Array): string {
  const units: number[] = [];
  let text = '';
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i++] as number;
    const extra = extraBytes(lead);
    let point = extra === 0 ? lead : lead & (0x3f >> extra);
    for (let k = 0; k < extra; k++) {
      const next = bytes[i++];
      if (next === undefined || (next & 0xc0) !== 0x80) throw new WireError('malformed', `UTF-8 breaks off at byte ${i - 1}`);
      point = (point << 6) | (next & 0x3f);
    }
    if (extra > 0 && (extra + 1 !== utf8Width(point) || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)) {
      throw new WireError('malformed', `UTF-8 holds the impossible code point ${point.toString(16)}`);
    }
    if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    else units.push(point);
    if (units.length >= FLUSH_UNITS) {
      text += String.fromCharCode(...units);
      units.length = 0;
    }
  }
  return text + String.fromCharCode(...units);
}

/** Arguments of one fromCharCode call: far below any engine's stack. */
const FLUSH_UNITS = 4_096;

function extraBytes(lead: number): number {
  if (lead < 0x80) return 0;
  if (lead >= 0xc2 && lead < 0xe0) return 1;
  if (lead >= 0xe0 && lead < 0xf0) return 2;
  if (lead >= 0xf0 && lead < 0xf5) return 3;
  throw new WireError('malformed', `byte ${lead} can't begin a UTF-8 character`);
}
