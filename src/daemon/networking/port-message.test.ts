import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPortMessage, readServed } from './port-message.ts';

const hex64 = fc.stringMatching(/^[0-9a-f]{64}$/);
const taskPort = fc.record({
  protocol: fc.constantFrom('tcp', 'udp'),
  ip: fc.nat({ max: 0xffff_ffff }),
  port: fc.integer({ min: 1, max: 65_535 }),
  containerPort: fc.integer({ min: 1, max: 65_535 }),
  network: hex64,
  address: fc.nat({ max: 0xffff_ffff }),
});

describe('port messages', () => {
  it('read what was written, without what they do not know', () => {
    const message = fc.record({
      container: hex64,
      ports: fc.array(taskPort, { maxLength: 8 }),
      gone: fc.boolean(),
      life: fc.nat(),
      number: fc.nat(),
    });
    fc.assert(
      fc.property(message, (m) => {
        expect(readPortMessage(JSON.stringify({ ...m, later: 1 }))).toEqual(m);
      }),
    );
    fc.assert(
      fc.property(fc.array(taskPort, { maxLength: 8 }), (ports) => {
        expect(readServed(JSON.stringify(ports))).toEqual(ports);
      }),
    );
  });

  it('take nothing else', () => {
    fc.assert(fc.property(fc.string(), (text) => readPortMessage(text) === undefined));
    fc.assert(fc.property(fc.json(), (text) => readPortMessage(text) === undefined));
    expect(
      readPortMessage(
        JSON.stringify({ container: 'a'.repeat(64), ports: Array.from({ length: 257 }, () => ({})), gone: false, life: 1, number: 1 }),
      ),
    ).toBeUndefined();
    expect(readServed('{}')).toBeUndefined();
  });
});
