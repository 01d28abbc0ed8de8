import { describe, expect, it } from 'vitest';
import { containerCapabilities, ownCapabilities } from './capabilities.ts';

const ALL = ownCapabilities('CapBnd:\t000001ffffffffff\n');

describe('containerCapabilities', () => {
  it('are fourteen by default', () => {
    expect(containerCapabilities([], [], ALL)).toHaveLength(14);
  });

  it('adds and drops, in any spelling', () => {
    const caps = containerCapabilities(['net_admin', 'CAP_SYS_TIME'], ['chown'], ALL);
    expect(caps).toContain('CAP_NET_ADMIN');
    expect(caps).toContain('CAP_SYS_TIME');
    expect(caps).not.toContain('CAP_CHOWN');
  });

  it('takes ALL on either side', () => {
    expect(containerCapabilities(['ALL'], ['sys_admin'], ALL)).toHaveLength(40);
    expect(containerCapabilities([], ['ALL'], ALL)).toEqual([]);
    expect(containerCapabilities(['KILL'], ['ALL'], ALL)).toEqual(['CAP_KILL']);
  });

  it('gives only what the daemon has', () => {
    const own = new Set(['CAP_KILL']);
    expect(containerCapabilities([], [], own)).toEqual(['CAP_KILL']);
    expect(containerCapabilities(['all'], [], own)).toEqual(['CAP_KILL']);
    expect(() => containerCapabilities(['SYS_TIME'], [], own)).toThrow("CAP_SYS_TIME can't be added");
  });

  it('refuses unknown names', () => {
    expect(() => containerCapabilities(['fly'], [], ALL)).toThrow('invalid capability "fly"');
  });
});

it('reads the bounding set', () => {
  expect([...ownCapabilities('CapBnd:\t00000000a80425fb\n')]).toHaveLength(14);
  expect(ownCapabilities().has('CAP_SYS_ADMIN')).toBe(true);
});
