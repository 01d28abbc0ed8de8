import type { FileError, PathStat, WriteArchiveOptions, FileChange } from '../../files-port.ts';

/** What the child's root is to be; each is a file system that ends with the child. Paths are the host's. */
export type Jail =
  /** The mounts of the task whose mount namespace is at TASK_MOUNTS_FD, without the kernel's own file systems. */
  | { readonly kind: 'task' }
  /** One directory, or what is mounted on it, without what is mounted below. */
  | { readonly kind: 'bare'; readonly dir: string }
  /**
   * A container that doesn't run: its layers, with its mounts. What is written there goes into its upper directory
   * (which then must be mounted nowhere else) or, without `writeTo`, nowhere.
   */
  | {
      readonly kind: 'merged';
      /** The topmost first. */
      readonly lowerDirs: readonly string[];
      readonly writeTo: { readonly upperDir: string; readonly workDir: string } | undefined;
      /** A directory to mount it on; others don't see that. */
      readonly at: string;
      readonly readOnly: boolean;
      /** In order. A source that is missing is left out. */
      readonly mounts: readonly JailMount[];
    }
  /** `/upper` and `/image`, side by side. */
  | { readonly kind: 'compare'; readonly upperDir: string; readonly lowerDirs: readonly string[]; readonly at: string };

export interface JailMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** What the runtime makes in a container's upper directory to mount things on: nothing that the container wrote. */
export type RuntimeMade = Readonly<Record<string, 'file' | 'directory'>>;

export type FilesTask =
  | { readonly kind: 'stat'; readonly path: string }
  | { readonly kind: 'read'; readonly path: string }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly options: WriteArchiveOptions;
      /** As the container was given it; empty: none. */
      readonly user: string;
    }
  | { readonly kind: 'export' }
  | { readonly kind: 'layer'; readonly runtimeMade: RuntimeMade }
  | { readonly kind: 'changes'; readonly runtimeMade: RuntimeMade }
  /** Copies what is at `from` into what is mounted at `to`, and gives that the same owner and mode. */
  | { readonly kind: 'fill'; readonly copies: readonly { readonly from: string; readonly to: string }[] };

/** The child's only argument, as JSON. */
export interface FilesOrder {
  readonly jail: Jail;
  readonly task: FilesTask;
  /** Who gave it: the child ends with this process. */
  readonly parent: number;
}

/** What the child says on REPORT_FD, as lines of JSON: something before any output, and at last its end. */
export type FilesReport =
  /** Its output comes next. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'stat'; readonly stat: PathStat }
  | { readonly kind: 'changes'; readonly changes: readonly FileChange[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: FileError['code'] | 'failed'; readonly message: string };

/** Input and output of a tar are the child's standard ones. */
export const REPORT_FD = 3;
export const TASK_MOUNTS_FD = 4;
