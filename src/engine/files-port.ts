import type { Readable } from 'node:stream';
import type { ContainerId } from '../core/model/index.ts';

/** One file of a container, as `docker cp` needs to know it. */
export interface PathStat {
  /** Its last component. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Permission bits and kind as Go's os.FileMode has them (docker's header carries that number). */
  readonly mode: number;
  readonly modifiedAtMs: number;
  /** Of a symbolic link: where it leads in the container; else ''. */
  readonly linkTarget: string;
}

export interface WriteArchiveOptions {
  /** Refuse where a directory would take the place of a file, or the other way round. */
  readonly noOverwriteDirNonDir: boolean;
  /**
   * Docker's `copyUIDGID`, which does the opposite of what it is called: all belongs to the user that the container was
   * given, where it was given one. Else, and without this, the archive's owners are kept.
   */
  readonly copyUidGid: boolean;
}

export const CHANGE_KINDS = ['modified', 'added', 'deleted'] as const;
export interface FileChange {
  /** Absolute in the container. */
  readonly path: string;
  readonly kind: (typeof CHANGE_KINDS)[number];
}

/** Why files can't be read or written; nothing escapes the container's own root, whatever its links say. */
export class FileError extends Error {
  override name = 'FileError';
  readonly code: 'no-such-path' | 'not-a-directory' | 'read-only' | 'bad-archive' | 'conflict';
  constructor(code: FileError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The files of a container, whether it runs or not; with what is mounted in it where it runs. Paths are resolved
 * within its root, as its own processes would. All throw EngineError no-such-container.
 */
export interface FileAccess {
  /** @throws FileError */
  statPath(id: ContainerId, path: string): Promise<PathStat>;
  /** A tar (POSIX, pax) of the path, whose entries begin with its last component. @throws FileError before the stream */
  readArchive(id: ContainerId, path: string, signal: AbortSignal): Promise<{ readonly stat: PathStat; readonly stream: Readable }>;
  /** Unpacks a tar (plain, gzip, zstd) into the directory `path`. @throws FileError */
  writeArchive(id: ContainerId, path: string, archive: Readable, options: WriteArchiveOptions): Promise<void>;
  /** Its whole file system as a tar, without what is mounted in it. */
  exportRoot(id: ContainerId, signal: AbortSignal): Promise<Readable>;
  /** What it wrote itself as an image's layer: a tar with whiteouts (`.wh.`). */
  exportLayer(id: ContainerId, signal: AbortSignal): Promise<Readable>;
  /** What differs from its image, sorted by path. */
  changes(id: ContainerId): Promise<readonly FileChange[]>;
  /** Bytes: what it wrote itself, and that together with its image. */
  sizes(id: ContainerId): Promise<{ readonly writtenBytes: number; readonly rootBytes: number }>;
}
