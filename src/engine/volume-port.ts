/** Something mounted into a container. */
export type MountWish = {
  /** Absolute in the container. */
  readonly target: string;
  readonly readOnly: boolean;
} & (
  | {
      readonly kind: 'bind';
      /** Absolute on the host. */
      readonly source: string;
      /** `rprivate` where it was not asked for. */
      readonly propagation: 'rprivate' | 'private' | 'rshared' | 'shared' | 'rslave' | 'slave';
      /** A source that is missing is made, as `-v` does; with --mount it is an error. */
      readonly createSource: boolean;
      /** Without what is mounted below the source; absent: with it. */
      readonly nonRecursive?: true;
    }
  | {
      readonly kind: 'volume';
      /** Of 64 hexadecimal digits where nobody named it. */
      readonly name: string;
      /** Nobody named it: it goes with `rm -v`, and with --rm. */
      readonly anonymous: boolean;
      /** A new, empty one gets what the image has at the target, unless this is set. */
      readonly noCopy: boolean;
      readonly labels: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'tmpfs';
      /** 0: no limit. */
      readonly sizeBytes: number;
      /** Permission bits; 0o1777 where it was not asked for. */
      readonly mode: number;
      /** Mount options as they were asked for: `noexec`, `uid=1000` … */
      readonly options: readonly string[];
    }
);

/** A directory of this host that outlives the containers that use it. */
export interface VolumeSummary {
  readonly name: string;
  /** On the host. */
  readonly path: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** As they were asked for; the local driver's `type`, `o`, `device` are refused. */
  readonly options: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  /** Containers of this host that have it, running or not. */
  readonly usedBy: readonly string[];
}

export class VolumeError extends Error {
  override name = 'VolumeError';
  readonly code: 'not-found' | 'in-use' | 'bad-name' | 'failed';
  constructor(code: VolumeError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** The volumes of one node. */
export interface VolumeStore {
  list(): Promise<readonly VolumeSummary[]>;
  inspect(name: string): Promise<VolumeSummary | undefined>;
  /** The one there is, where there is one. @throws VolumeError bad-name, failed */
  create(wish: Pick<VolumeSummary, 'name' | 'labels' | 'options' | 'anonymous'>): Promise<VolumeSummary>;
  /** @throws VolumeError not-found, in-use */
  remove(name: string): Promise<void>;
  /** Bytes on disk. */
  sizeOf(name: string): Promise<number>;
}
