import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fits } from '../model/index.ts';
import { Ledger } from './ledger.ts';

const CAPACITY = { cpuMillicores: 1000, memoryBytes: 1000 };

test('whatever is asked in whatever order: never beyond the capacity, and all comes back', () => {
  const amount = fc.record({ cpuMillicores: fc.nat(600), memoryBytes: fc.nat(600) });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.boolean(), amount)), (steps) => {
      const ledger = new Ledger(() => CAPACITY);
      for (const [n, enter, amount] of steps) {
        const key = `k${n}`;
        const before = ledger.free();
        if (!enter) ledger.release(key);
        else if (!ledger.has(key)) expect(ledger.admit(key, amount)).toBe(fits(amount, before));
        expect(fits(ledger.held(), CAPACITY)).toBe(true);
      }
      for (let n = 0; n < 10; n++) ledger.release(`k${n}`);
      expect(ledger.free()).toEqual(CAPACITY);
    }),
  );
});

test('a smaller capacity stops nobody and admits nobody; free is never below zero', () => {
  let capacity = CAPACITY;
  const ledger = new Ledger(() => capacity);
  ledger.count('a', { cpuMillicores: 800, memoryBytes: 100 });
  capacity = { cpuMillicores: 500, memoryBytes: 1000 };
  expect(ledger.free()).toEqual({ cpuMillicores: 0, memoryBytes: 900 });
  expect(ledger.admit('b', { cpuMillicores: 1, memoryBytes: 1 })).toBe(false);
  expect(ledger.freeFor('a')).toEqual({ cpuMillicores: 500, memoryBytes: 1000 });
});

test('what moves stays held throughout, the rest where it was, and each change makes the version grow', () => {
  const ledger = new Ledger(() => CAPACITY);
  ledger.admit('hold', CAPACITY);
  const { version } = ledger;
  const part = { cpuMillicores: 400, memoryBytes: 1000 };
  ledger.move('hold', 'container', part);
  expect(ledger.free()).toEqual({ cpuMillicores: 0, memoryBytes: 0 });
  expect(() => ledger.move('hold', 'other', part)).toThrow('hold');
  ledger.move('hold', 'second', { cpuMillicores: 600, memoryBytes: 0 });
  ledger.release('hold');
  expect(ledger.version).toBe(version);
  ledger.release('container');
  expect(ledger.free()).toEqual(part);
  expect(ledger.version).toBeGreaterThan(version);
});

test('where one dimension is oversubscribed nothing is admitted, not even what needs none of it', () => {
  let capacity = CAPACITY;
  const ledger = new Ledger(() => capacity);
  ledger.count('a', { cpuMillicores: 100, memoryBytes: 900 });
  capacity = { cpuMillicores: 1000, memoryBytes: 500 };
  expect(ledger.admit('b', { cpuMillicores: 100, memoryBytes: 0 })).toBe(false);
  expect(ledger.held()).toEqual({ cpuMillicores: 100, memoryBytes: 900 });
});

test('whoever gets more gets no more than there is, and keeps what it has until it gives that up', () => {
  const amount = fc.record({ cpuMillicores: fc.nat(600), memoryBytes: fc.nat(600) });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), amount)), (steps) => {
      const ledger = new Ledger(() => CAPACITY);
      for (const [n, wanted] of steps) {
        const key = `k${n}`;
        if (!ledger.has(key)) ledger.admit(key, wanted);
        else {
          const { held, version } = { held: ledger.held(), version: ledger.version };
          const room = fits(wanted, ledger.freeFor(key));
          expect(ledger.widen(key, wanted)).toBe(room);
          expect(fits(held, ledger.held())).toBe(true);
          if (room) ledger.cut(key, wanted);
          else expect([ledger.held(), ledger.version]).toEqual([held, version]);
        }
        expect(fits(ledger.held(), CAPACITY)).toBe(true);
      }
      for (let n = 0; n < 4; n++) ledger.release(`k${n}`);
      expect(ledger.free()).toEqual(CAPACITY);
    }),
  );
});

test('less always fits, also where there is too much already', () => {
  let capacity = CAPACITY;
  const ledger = new Ledger(() => capacity);
  ledger.count('a', { cpuMillicores: 800, memoryBytes: 500 });
  capacity = { cpuMillicores: 500, memoryBytes: 1000 };
  expect(ledger.widen('a', { cpuMillicores: 801, memoryBytes: 1 })).toBe(false);
  // What shrinks is of no concern to what grows.
  expect(ledger.widen('a', { cpuMillicores: 700, memoryBytes: 900 })).toBe(true);
  expect(ledger.held()).toEqual({ cpuMillicores: 800, memoryBytes: 900 });
  ledger.cut('a', { cpuMillicores: 700, memoryBytes: 900 });
  expect(ledger.held()).toEqual({ cpuMillicores: 700, memoryBytes: 900 });
  expect(() => ledger.cut('a', { cpuMillicores: 701, memoryBytes: 1 })).toThrow('less');
});
