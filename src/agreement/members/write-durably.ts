import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whole or not at all, also after a power cut: written aside, flushed, renamed. */
export function writeDurably(path: string, content: string): void {
  const aside = `${path}.new`;
  flushed(aside, 'w', (fd) => writeFileSync(fd, content));
  renameSync(aside, path);
  flushed(dirname(path), 'r', () => {});
}

function flushed(path: string, flags: string, work: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600);
  try {
    work(fd);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
