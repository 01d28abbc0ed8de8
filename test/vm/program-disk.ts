import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerArchive, makeBusyboxImage } from '../../scripts/make-image.ts';
import { must } from '../lab/shell.ts';

/** What of the repository runs, once `make build` has been there. */
const PARTS = ['bin', 'dist', 'package.json', 'node_modules/koffi', 'node_modules/@koromix'];

/** Writes an ext4 image with the built program and `busybox.tar`, an archive of the image busybox:1. */
export async function makeProgramDisk(file: string): Promise<void> {
  const root = join(import.meta.dirname, '../..');
  const tree = await mkdtemp(join(tmpdir(), 'caravela-program-'));
  try {
    const node = `node_modules/node-linux-${process.arch}/bin/node`;
    for (const part of [...PARTS, node]) await cp(join(root, part), join(tree, part), { recursive: true });
    await writeFile(join(tree, 'busybox.tar'), await dockerArchive(await makeBusyboxImage(), ['busybox:1']));
    await rm(file, { force: true });
    await must(['mke2fs', '-q', '-t', 'ext4', '-m', '0', '-L', 'program', '-d', tree, file, '256M']);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
