import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { boundedLines } from './bounded-lines.ts';

async function linesOf(chunks: readonly string[], limit = 100): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of boundedLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), limit)) lines.push(line);
  return lines;
}

it('are whole however they come, and the last needs no end', async () => {
  expect(await linesOf(['{"data": 1}\n{"da', 'ta": 2}\n', '\n', 'rest'])).toEqual(['{"data": 1}', '{"data": 2}', 'rest']);
  expect(await linesOf([])).toEqual([]);
});

it('are none longer than the limit, whatever comes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1 })),
      fc.integer({ min: 1, max: 9 }),
      async (chunks, limit) => {
        const lines = await linesOf(chunks, limit);
        expect(lines.every((line) => line.length <= limit && line !== '' && !line.includes('\n'))).toBe(true);
        expect(lines.join('')).toBe(chunks.join('').replaceAll('\n', ''));
      },
    ),
  );
});
