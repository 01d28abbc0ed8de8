import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readJson } from './body.ts';

const read = (text: string): Promise<unknown> => readJson(Readable.from([Buffer.from(text)]), 4 * 1024 * 1024);

describe('readJson', () => {
  it('reads JSON, and nothing as undefined', async () => {
    expect(await read('{"a":["[[[","\\"{"]}')).toEqual({ a: ['[[[', '"{'] });
    expect(await read(' ')).toBeUndefined();
    expect(await readJson(undefined, 1)).toBeUndefined();
  });

  it('counts no brackets in strings', async () => {
    const text = '['.repeat(100);
    expect(await read(JSON.stringify({ text }))).toEqual({ text });
  });

  it.each(['[', '{"a":'])('refuses what nests too deeply: %s', async (open) => {
    await expect(read(open.repeat(400_000))).rejects.toThrow('32 levels deep');
    await expect(read(open.repeat(33))).rejects.toMatchObject({ status: 400 });
  });

  it('refuses what is too long, and what is no JSON', async () => {
    await expect(readJson(Readable.from([Buffer.alloc(100)]), 99)).rejects.toMatchObject({ status: 413 });
    await expect(read('{"a"')).rejects.toThrow('the body must be JSON, got "{');
    await expect(read(`"${'a'.repeat(1_000_000)}`)).rejects.toMatchObject({ status: 400 });
    await expect(read(`"${'\\"'.repeat(1_000_000)}`)).rejects.toMatchObject({ status: 400 });
  });
});
