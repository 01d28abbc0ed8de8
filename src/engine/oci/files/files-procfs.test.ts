import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mountPointsBelow } from '../../../linux/mount.ts';
import { A } from '../../contract.test-suite.ts';
import type { MountWish } from '../../port.ts';
import { FilesBench } from './files-bench.test-suite.ts';

let files: FilesBench;
beforeEach(async () => {
  files = await FilesBench.open();
});
afterEach(() => files.destroy());

/** As agents that watch a host have it: the links in there lead to roots of processes, for who may follow them. */
const PROCESSES: MountWish = {
  kind: 'bind',
  source: '/proc',
  target: '/host/proc',
  readOnly: true,
  propagation: 'rprivate',
  createSource: false,
};

it.each(['that runs', 'that doesn’t run'])('the host’s processes, seen by a container %s, lead no copy to the host', async (which) => {
  const out = `/host/proc/${process.pid}/root${files.secret}`;
  await files.run(`ln -s ${out} /data`, { mounts: [PROCESSES] });
  if (which !== 'that runs') await files.engine.stop(A, 'KILL', 0);
  // Behind a directory that the archive has no entry for the kernel follows what stands there.
  await files.write('/', [{ name: 'data/new', content: 'x' }]).catch(() => undefined);
  await files.write('/host/proc', [{ name: `${process.pid}/root${files.secret}/new`, content: 'x' }]).catch(() => undefined);
  expect(readdirSync(files.secret)).toEqual(['key']);
  expect(readFileSync(join(files.secret, 'key'), 'utf8')).toBe('the key');
});

it.each(['that runs', 'that doesn’t run'])(
  'a copy to a container %s leaves the host’s mounts as they are, also those that tell each other of theirs',
  async (which) => {
    const shared = join(files.bench.dir, 'shared');
    mkdirSync(shared);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', shared]);
    try {
      execFileSync('mount', ['--make-shared', shared]);
      mkdirSync(join(shared, 'proc'));
      execFileSync('mount', ['-t', 'proc', 'proc', join(shared, 'proc')]);
      mkdirSync(join(shared, 'within'));
      const all: MountWish = { ...PROCESSES, source: shared, target: '/host', propagation: 'rslave' };
      const within: MountWish = {
        kind: 'volume',
        name: 'vol',
        target: '/host/within',
        readOnly: false,
        anonymous: false,
        noCopy: true,
        labels: {},
      };
      if (which === 'that runs') await files.run('true', { mounts: [all, within] });
      else await files.create({ mounts: [all, within] });
      await files.write('/tmp', [{ name: 'new', content: 'x' }]);
      expect(await files.names('/host')).toEqual(['host/', 'host/proc/', 'host/within/']);
      expect((await mountPointsBelow(shared)).map((point) => point.slice(shared.length))).toEqual(['/proc', '']);
    } finally {
      await files.engine.remove(A);
      execFileSync('umount', ['-R', shared]);
    }
  },
);
