/** Lengths of text in UTF-8, as the core has no TextEncoder. */

/** Bytes that `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) as number;
    if (point > 0xffff) i++;
    bytes += utf8Width(point);
  }
  return bytes;
}

/** The longest prefix of `text` that takes at most `maxBytes` in UTF-8 and splits no code point. */
export function utf8Clip(text: string, maxBytes: number): string {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i) as number;
    bytes += utf8Width(point);
    if (bytes > maxBytes) return text.slice(0, i);
    if (point > 0xffff) i++;
  }
  return text;
}

/** Bytes of one code point. */
export function utf8Width(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}
