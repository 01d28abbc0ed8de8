import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_FACTS, arePortsOf, clashAmong, closedNetwork, takenPort, takenWords } from './host-access.ts';
import { portWords, portsClash } from './network.ts';
import type { HostPort } from './network.ts';

const port = fc.record({
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  ip: fc.constantFrom(0, 1, 2),
  port: fc.integer({ min: 1, max: 4 }),
});
const ports = fc.array(port, { maxLength: 5 });
const clashes = (a: readonly HostPort[], b: readonly HostPort[]): boolean => a.some((one) => b.some((other) => portsClash(one, other)));

test('taken is what clashes with anything that is had', () => {
  fc.assert(
    fc.property(ports, fc.array(ports, { maxLength: 3 }), ports, (hostPorts, had, busy) => {
      const busyPorts = busy.map((one) => ({ ...one, owner: undefined, by: 'host' }));
      const found = takenPort(
        { hostPorts },
        had.map((theirs, i) => ({ hostPorts: theirs, by: `c${i}` })),
        { ...NO_FACTS, busyPorts },
        () => false,
      );
      expect(found !== undefined).toBe(clashes(hostPorts, [...had.flat(), ...busy]));
      if (found === undefined) return;
      const { port, by } = takenWords(found.detail);
      expect(hostPorts.map(portWords)).toContain(port);
      expect(by).toMatch(/^(c\d|host)$/);
    }),
  );
});

test('among themselves', () => {
  fc.assert(
    fc.property(ports, (list) => {
      const clash = list.some((one, i) => list.some((other, j) => i < j && portsClash(one, other)));
      expect(clashAmong(list) !== undefined).toBe(clash);
      expect(arePortsOf(list, [...list].reverse())).toBe(true);
    }),
  );
});

test('the words for a port, and for a network', () => {
  expect(portWords({ protocol: 'udp', ip: 0, port: 53 })).toBe('53/udp');
  expect(portWords({ protocol: 'tcp', ip: 0x0a00_0001, port: 8080 })).toBe('10.0.0.1:8080/tcp');
  const facts = { busyPorts: [], closedNetworks: [{ vni: 3, why: 'overlaps' }] };
  expect(closedNetwork({ vnis: [1, 3] }, facts)).toEqual({ reason: 'network', detail: 'overlaps' });
  expect(closedNetwork({ vnis: [1] }, facts)).toBeUndefined();
});
