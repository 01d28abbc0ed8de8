import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseChallenge } from './authorization.ts';

it.each([
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull"',
    {
      scheme: 'bearer',
      parameters: { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:library/busybox:pull' },
    },
  ],
  ['Basic realm="registry"', { scheme: 'basic', parameters: { realm: 'registry' } }],
  ['bearer Realm=x, service = y', { scheme: 'bearer', parameters: { realm: 'x' } }],
  ['', undefined],
  ['"', undefined],
])('%s', (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge);
});

it('no header is too odd', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (header) => {
      expect(parseChallenge(header)?.scheme ?? 'none').toMatch(/^[a-z]+$/);
    }),
  );
});
