import { expect, it } from 'vitest';
import { hearingOf } from './around-own.ts';

const OWN = ['/var/lib/caravela', '/run/caravela'];
const bind = (source: string, propagation: 'rprivate' | 'shared' | 'rslave' | 'rshared' = 'rprivate') =>
  ({ kind: 'bind', source, target: '/x', readOnly: false, propagation, createSource: true }) as const;

it.each(['/', '/var', '/var/lib/caravela', '/var/lib/caravela/containers', '/run'])('%s hears of mounts that go', (source) => {
  expect(hearingOf(bind(source), false, OWN).propagation).toBe('rslave');
  for (const propagation of ['rslave', 'rshared'] as const) {
    expect(hearingOf(bind(source, propagation), true, OWN).propagation).toBe(propagation);
  }
  for (const propagation of ['rprivate', 'shared'] as const) {
    expect(() => hearingOf(bind(source, propagation), true, OWN)).toThrow(/must use either propagation mode "rslave" or "rshared"/);
  }
});

it.each(['/srv', '/var/lib/caravelas', '/var/lib/docker'])('%s is as it was asked for', (source) => {
  expect(hearingOf(bind(source), false, OWN)).toEqual(bind(source));
  expect(hearingOf(bind(source), true, OWN)).toEqual(bind(source));
});
