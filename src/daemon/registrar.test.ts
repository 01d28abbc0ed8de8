import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS, nodeId } from '../core/model/index.ts';
import { checkNodeName, nodeNameFrom, Registrar, type RegistrarBook } from './registrar.ts';

const id = (n: number) => nodeId(n.toString(16).padStart(32, '0'));

function registrar(): Registrar {
  let book: RegistrarBook | undefined;
  return new Registrar(
    () => book,
    (next) => {
      book = next;
    },
  );
}

test('gives each node a number and a free name, and the same again when asked again', () => {
  const r = registrar();
  expect(r.assign(id(1), 'pi')).toEqual({ name: 'pi', number: 1 });
  expect(r.assign(id(2), 'pi')).toEqual({ name: 'pi-2', number: 2 });
  expect(r.assign(id(3), 'pi')).toEqual({ name: 'pi-3', number: 3 });
  expect(r.assign(id(2), 'other')).toEqual({ name: 'pi-2', number: 2 });
});

test('a long name that is taken stays one that a node may have', () => {
  const r = registrar();
  r.assign(id(1), 'a'.repeat(63));
  const { name } = r.assign(id(2), 'a'.repeat(63));
  expect(checkNodeName(name)).toBe(`${'a'.repeat(61)}-2`);
});

test('the book is full some time', () => {
  const nodes = Object.fromEntries(Array.from({ length: LIMITS.members }, (_, n) => [`n${n}`, { name: `n${n}`, number: n }]));
  const r = new Registrar(
    () => ({ nextNumber: 1, nodes }),
    () => undefined,
  );
  expect(() => r.assign(id(1), 'pi')).toThrow('the most there may be');
});

test('a name comes back when its node left, a number never', () => {
  const r = registrar();
  r.assign(id(1), 'pi');
  r.forget(id(1));
  expect(r.assign(id(2), 'pi')).toEqual({ name: 'pi', number: 2 });
});

test('every host name becomes a valid node name', () => {
  fc.assert(
    fc.property(fc.string(), (hostname) => {
      expect(checkNodeName(nodeNameFrom(hostname))).toBe(nodeNameFrom(hostname));
    }),
  );
  expect(nodeNameFrom('Raspberry_Pi.local')).toBe('raspberry-pi');
});

test('a bad name is refused by value', () => {
  expect(() => checkNodeName('-x')).toThrow(/"-x" cannot be a node's name/);
});
