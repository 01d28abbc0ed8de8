import { expect, test } from 'vitest';
import { KnownNames } from './known-names.ts';
import { DNS_LIMITS } from './limits.ts';

test('a value stays for its time, an error not at all, and what was asked before a change is not kept', async () => {
  let nowMs = 0;
  const known = new KnownNames<number>(
    () => nowMs,
    (value) => value,
  );
  let asked = 0;
  const get = (value: number): Promise<number> =>
    known.get('web', () => {
      asked++;
      return value < 0 ? Promise.reject(new Error('lost')) : Promise.resolve(value);
    });
  expect([await get(5), await get(6), asked]).toEqual([5, 5, 1]);
  nowMs = 5;
  expect([await get(0), await get(7), asked]).toEqual([0, 7, 3]);
  known.forget();
  await expect(get(-1)).rejects.toThrow('lost');
  const before = get(9);
  known.forget();
  const after = get(8);
  expect([await before, await after, await get(1)]).toEqual([9, 8, 8]);
});

test('an error before the first wait is forgotten like any other', async () => {
  const known = new KnownNames<number>(
    () => 0,
    () => 1,
  );
  const fails = (): Promise<number> => {
    throw new Error('at once');
  };
  await expect(known.get('web', fails)).rejects.toThrow('at once');
  expect(await known.get('web', () => Promise.resolve(1))).toBe(1);
});

test('the oldest give way', async () => {
  const known = new KnownNames<number>(
    () => 0,
    () => 1,
  );
  for (let i = 0; i <= DNS_LIMITS.known; i++) await known.get(String(i), () => Promise.resolve(i));
  let asked = 0;
  const ask = (): Promise<number> => Promise.resolve(++asked);
  await known.get(String(DNS_LIMITS.known), ask);
  expect(asked).toBe(0);
  await known.get('0', ask);
  expect(asked).toBe(1);
});
