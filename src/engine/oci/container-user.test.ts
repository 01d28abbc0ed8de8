import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../port.ts';
import { resolveUser, userFrom } from './container-user.ts';

const passwd = 'root:x:0:0:root:/root:/bin/sh\n# comment\nwww:x:33:34::/srv:/bin/false\n1000:x:7:8::/digits:\n';
const group = 'root:x:0:\nwww:x:34:\nadm:x:4:www,root\nvideo:x:44:www\n';

describe('userFrom', () => {
  it.each([
    ['', { uid: 0, gid: 0, additionalGids: [0, 4], home: '/root' }],
    ['www', { uid: 33, gid: 34, additionalGids: [34, 4, 44], home: '/srv' }],
    ['33', { uid: 33, gid: 34, additionalGids: [34, 4, 44], home: '/srv' }],
    ['www:adm', { uid: 33, gid: 4, additionalGids: [4], home: '/srv' }],
    ['www:77', { uid: 33, gid: 77, additionalGids: [77], home: '/srv' }],
    ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/' }],
    ['4242:4243', { uid: 4242, gid: 4243, additionalGids: [4243], home: '/' }],
    ['1000', { uid: 7, gid: 8, additionalGids: [8], home: '/digits' }],
  ])('%j', (user, expected) => {
    expect(userFrom(user, passwd, group)).toEqual(expected);
  });

  it('refuses names that are not there', () => {
    expect(() => userFrom('nobody', passwd, group)).toThrow('unable to find user nobody');
    expect(() => userFrom('www:none', passwd, group)).toThrow('unable to find group none');
    for (const beyond of ['4294967296', '-1']) {
      expect(() => userFrom(beyond, passwd, group)).toThrow(`unable to find user ${beyond}: uids and gids must be in range 0-2147483647`);
    }
  });

  it('stands any passwd file', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (user, passwd, group) => {
        try {
          const found = userFrom(user, passwd, group);
          expect(found.uid).toBeGreaterThanOrEqual(0);
          expect(found.gid).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(EngineError);
        }
      }),
    );
  });
});

it('never reads the host’s files through the image’s symlinks', () => {
  const root = mkdtempSync(join(tmpdir(), 'caravela-user-'));
  try {
    mkdirSync(join(root, 'etc'));
    symlinkSync('../../../../../../etc/passwd', join(root, 'etc/passwd'));
    expect(() => resolveUser(root, 'daemon')).toThrow('unable to find user daemon');
    symlinkSync('/real', join(root, 'etc/group'));
    writeFileSync(join(root, 'real'), 'team:x:9:\n');
    expect(resolveUser(root, '5:team').gid).toBe(9);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
