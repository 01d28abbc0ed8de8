import { expect, it } from 'vitest';
import { asMeant } from './as-meant.ts';

it.each([
  [39, undefined, 'shareable'],
  [39, {}, 'shareable'],
  [39, { IpcMode: '' }, 'shareable'],
  [39, { IpcMode: 'host' }, 'host'],
  [40, {}, undefined],
  [40, undefined, undefined],
])('memory of a create by API 1.%i with %j', (minor, HostConfig, mode) => {
  const body = asMeant({ Image: 'busybox', ...(HostConfig === undefined ? {} : { HostConfig }) }, minor);
  expect(body.HostConfig?.IpcMode).toBe(mode);
});
