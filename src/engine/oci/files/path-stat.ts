import type { Stats } from 'node:fs';
import type { PathStat } from '../../files-port.ts';
import { evaluate, type NamedPath, textOf } from './container-path.ts';

/** Go's os.FileMode: kinds and special bits from the top down, permissions as Unix has them. */
const GO = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  characterDevice: 2 ** 21,
  sticky: 2 ** 20,
} as const;

/** What Docker's header tells of a file. In the container's root. */
export function pathStat({ path, name }: NamedPath, stat: Stats): PathStat {
  return {
    name: textOf(name),
    sizeBytes: stat.size,
    mode: goMode(stat),
    modifiedAtMs: stat.mtimeMs,
    linkTarget: stat.isSymbolicLink() ? textOf(evaluate(path)) : '',
  };
}

export function goMode(stat: Pick<Stats, 'mode'>): number {
  const bits = stat.mode & 0o7777;
  return (
    (bits & 0o777) + kindOf(stat.mode) + (bits & 0o4000 ? GO.setuid : 0) + (bits & 0o2000 ? GO.setgid : 0) + (bits & 0o1000 ? GO.sticky : 0)
  );
}

function kindOf(mode: number): number {
  switch (mode & 0o170000) {
    case 0o040000:
      return GO.directory;
    case 0o120000:
      return GO.symlink;
    case 0o060000:
      return GO.device;
    case 0o020000:
      return GO.device + GO.characterDevice;
    case 0o010000:
      return GO.fifo;
    case 0o140000:
      return GO.socket;
    default:
      return 0;
  }
}
