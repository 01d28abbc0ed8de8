import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import { endpointOf, ip, networkOnHost } from '../contract.test-suite.ts';
import { endpointOfAlias, macOf } from './endpoints.ts';
import { Names, portAlias } from './names.ts';

const A = containerId('a'.repeat(64));

describe('an endpoint', () => {
  it('has the MAC that was asked for, as the kernel writes it, or that of its address', () => {
    expect(macOf(endpointOf(A, 1, 2))).toBe('02:42:0a:01:01:02');
    expect(macOf(endpointOf(A, 1, 2, { mac: '02:AB:00:00:00:0F' }))).toBe('02:ab:00:00:00:0f');
  });

  it('has no MAC that is none, or a group’s: it becomes part of rules', () => {
    for (const mac of ['', '02:42', '02:42:0a:01:01:02 } ; flush ruleset', '02-42-0a-01-01-02', '01:00:5e:00:00:01', '00:00:00:00:00:00']) {
      expect(() => macOf(endpointOf(A, 1, 2, { mac }))).toThrow('is no MAC address of a container’s');
    }
  });

  it('is told by its port’s alias as it was, and junk tells nothing', () => {
    const names = new Names('ab12cd34ef56');
    const story = { container: A, network: networkOnHost(1).id, address: ip('10.1.1.2'), mac: '02:42:0a:01:01:02' };
    expect(endpointOfAlias('port', portAlias(names, story), names)).toEqual({ ...story, port: 'port' });
    expect(endpointOfAlias('port', portAlias(new Names('000000000000'), story), names)).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        endpointOfAlias('port', `${names.owner} ${before}${portAlias(names, story)}${after}`, names);
        expect(endpointOfAlias('port', before, names)).toBeUndefined();
      }),
    );
  });
});
