import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NetworkId, NodeId } from '../../core/model/index.ts';
import { facts } from './arbitrary.test-helper.ts';
import { decodeFact, encodeFact } from './codec.ts';
import { KEYS, PREFIX } from './keys.ts';

const NODE = 'a'.repeat(32) as NodeId;
const NETWORK = 'b'.repeat(64) as NetworkId;

test('every fact comes back from its key and value', () => {
  fc.assert(
    fc.property(facts, (fact) => {
      const { key, value } = encodeFact(fact);
      expect(key.startsWith(PREFIX)).toBe(true);
      expect(decodeFact(key, value)).toEqual({ ok: true, fact });
    }),
  );
});

test('whatever stands there, reading it never throws', () => {
  const keys = fc.oneof(
    fc.string(),
    facts.map((fact) => encodeFact(fact).key),
    fc
      .array(fc.constantFrom('nodes', 'in', 'leases', 'guard', '0a000000-24', '', 'networks', 'vni', '7'))
      .map((parts) => PREFIX + parts.join('/')),
  );
  const values = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object().map((fields) => JSON.stringify({ ...fields, v: 1 })),
  );
  fc.assert(
    fc.property(keys, values, (key, value) => {
      const decoded = decodeFact(key, value);
      if (!decoded.ok) expect(decoded.why).not.toBe('');
    }),
    { numRuns: 1_000 },
  );
});

test('one field that is wrong makes a value unreadable', () => {
  fc.assert(
    fc.property(facts, fc.nat(), fc.constantFrom(null, -1, '\u0000', [], 1.5), (fact, pick, junk) => {
      const { key, value } = encodeFact(fact);
      const fields = JSON.parse(value) as Record<string, unknown>;
      const names = Object.keys(fields);
      const name = names[pick % names.length] as string;
      // An empty list is a list; fields of the key itself are not in the value.
      if (name === 'members' && Array.isArray(junk)) return;
      expect(decodeFact(key, JSON.stringify({ ...fields, [name]: junk })).ok).toBe(false);
    }),
  );
});

test('values of a later version are left to later versions', () => {
  const { key, value } = encodeFact({ kind: 'ca-holder', node: NODE });
  expect(decodeFact(key, value.replace('"v":1', '"v":2'))).toMatchObject({ ok: false, why: expect.stringContaining('upgrade this node') });
});

test('fields that a later release adds are no trouble', () => {
  const { key, value } = encodeFact({ kind: 'node-name', name: 'node-1', node: NODE });
  expect(decodeFact(key, value.replace('}', ',"colour":"red"}')).ok).toBe(true);
});

test('a block has one key: with bits beyond its prefix it is none', () => {
  const good = { base: 0x0a000000, prefix: 24 };
  expect(KEYS.lease(NETWORK, good)).toBe(`${PREFIX}leases/${NETWORK}/0a000000-24`);
  for (const block of ['0a000001-24', '0a000000-33', '0a000000-024', 'a000000-24']) {
    expect(decodeFact(`${PREFIX}leases/${NETWORK}/${block}`, `{"v":1,"node":"${NODE}"}`).ok).toBe(false);
  }
});

test('labels without bound are refused before they are agreed', () => {
  const labels = { long: 'x'.repeat(70_000) };
  const network = {
    id: NETWORK,
    name: 'n',
    subnet: { base: 0x0a000000, prefix: 24 },
    gateway: 0x0a000001,
    vni: 7,
    internal: false,
    mtu: undefined,
    labels,
    options: {},
    createdAtMs: 1,
  };
  expect(() => encodeFact({ kind: 'network', network })).toThrow(/use fewer labels/);
});
