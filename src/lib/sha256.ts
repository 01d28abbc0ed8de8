/**
 * SHA-256 (FIPS 180-4) for the core, which may not import a host's cryptography. It binds a launch to
 * the spec that was asked for; secrets never pass through it.
 */

/** @returns 64 lower-case hex digits over the UTF-8 bytes of `text`. */
export function sha256Hex(text: string): string {
  const bytes = padded(utf8(text));
  const state = Uint32Array.from(INITIAL);
  const schedule = new Uint32Array(64);
  for (let offset = 0; offset < bytes.length; offset += 64) compress(state, schedule, bytes, offset);
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

function compress(state: Uint32Array, w: Uint32Array, bytes: Uint8Array, offset: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 64);
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(i * 4);
  for (let i = 16; i < 64; i++) {
    const x = at(w, i - 15);
    const y = at(w, i - 2);
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1;
  }
  let [a, b, c, d, e, f, g, h] = Array.from(state) as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + at(ROUND, i) + at(w, i)) | 0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] = at(state, i) + word;
  });
}

const at = (words: Uint32Array, i: number): number => words[i] as number;
const rotate = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** The message, a 1 bit, zeros, and its length in bits: a multiple of 64 bytes. */
function padded(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  out.set(message);
  out[message.length] = 0x80;
  const view = new DataView(out.buffer);
  view.setUint32(out.length - 8, Math.floor(message.length / 0x2000_0000));
  view.setUint32(out.length - 4, (message.length << 3) >>> 0);
  return out;
}

/** Lone surrogates become U+FFFD, as every host's encoder writes them. */
function utf8(text: string): Uint8Array {
  const out = new Uint8Array(text.length * 3);
  let n = 0;
  for (const character of text) {
    let point = character.codePointAt(0) as number;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) {
      out[n++] = point;
      continue;
    }
    const tail = point < 0x800 ? 1 : point < 0x1_0000 ? 2 : 3;
    out[n++] = ([0, 0xc0, 0xe0, 0xf0][tail] as number) | (point >>> (6 * tail));
    for (let i = tail - 1; i >= 0; i--) out[n++] = 0x80 | ((point >>> (6 * i)) & 0x3f);
  }
  return out.subarray(0, n);
}

/** The first 32 bits of the fractional parts of the square roots of the first 8 primes. */
const INITIAL = fractions(8, Math.sqrt);
/** … and of the cube roots of the first 64. */
const ROUND = fractions(64, Math.cbrt);

function fractions(count: number, root: (n: number) => number): Uint32Array {
  const out = new Uint32Array(count);
  let found = 0;
  for (let n = 2; found < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) prime &&= n % d !== 0;
    if (!prime) continue;
    const value = root(n);
    out[found++] = Math.floor((value - Math.floor(value)) * 0x1_0000_0000);
  }
  return out;
}
