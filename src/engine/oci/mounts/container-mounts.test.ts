import { describe, expect, it } from 'vitest';
import { containerId } from '../../../core/model/index.ts';
import type { MountWish } from '../../port.ts';
import { containerMounts } from './container-mounts.ts';
import { inOrder } from './host-mounts.ts';

const A = containerId('a'.repeat(64));
const tmpfs = (target: string): MountWish => ({ kind: 'tmpfs', target, readOnly: false, sizeBytes: 0, mode: 0o1777, options: [] });

describe('containerMounts', () => {
  it('makes a volume for each VOLUME of the image that nothing else is mounted on', () => {
    const mounts = containerMounts(A, { mounts: [tmpfs('/run/')] }, { Volumes: { '/data/': {}, '/run': {}, '/a/../data': {}, '/': {} } });
    expect(mounts).toMatchObject([
      { kind: 'tmpfs', target: '/run' },
      { kind: 'volume', target: '/data', anonymous: true, noCopy: false, name: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(containerMounts(A, {}, { Volumes: null })).toEqual([]);
  });

  it('makes no more than it can keep', () => {
    const Volumes = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`/v${index}`, {}]));
    expect(containerMounts(A, {}, { Volumes })).toHaveLength(64);
  });
});

describe('inOrder', () => {
  it('has what lies in another after it', () => {
    expect(inOrder(['/a/b/c', '/a', '/z', '/a/b'].map(tmpfs)).map(({ target }) => target)).toEqual(['/a', '/z', '/a/b', '/a/b/c']);
  });
});
