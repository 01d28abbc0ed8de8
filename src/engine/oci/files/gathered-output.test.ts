import { expect, it } from 'vitest';
import { GatheredOutput } from './gathered-output.ts';

const CAPACITY = 100;

it.each([
  { what: 'small pieces', sizes: [10, 20, 30, 40, 50] },
  { what: 'a big one after a small one, where both would fit', sizes: [10, 60, 10] },
  { what: 'a big one after a small one, where they would not', sizes: [10, 100, 10] },
  { what: 'one that is bigger than all that is gathered', sizes: [10, 1000, 10, 50, 51, 0, 5] },
])('what goes out is what came, in its order: $what', ({ sizes }) => {
  const written: Buffer[] = [];
  const output = new GatheredOutput((bytes) => written.push(Buffer.from(bytes)), CAPACITY);
  const pieces = sizes.map((size, index) => Buffer.alloc(size, index + 1));
  for (const piece of pieces) output.write(piece);
  output.flush();
  expect(Buffer.concat(written)).toEqual(Buffer.concat(pieces));
});

it('small pieces go out together', () => {
  const lengths: number[] = [];
  const output = new GatheredOutput((bytes) => lengths.push(bytes.length), CAPACITY);
  for (let piece = 0; piece < 12; piece++) output.write(Buffer.alloc(10));
  output.flush();
  output.flush();
  expect(lengths).toEqual([100, 20]);
});
