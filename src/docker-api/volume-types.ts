/** Volumes (Engine API 1.41). */
import type { NodeOfContainer } from './container-answer.ts';

export interface VolumeRow {
  Name: string;
  Driver: string;
  /** On its node. */
  Mountpoint: string;
  /** RFC 3339. */
  CreatedAt?: string;
  Status?: Record<string, object>;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
  Scope: 'local' | 'global';
  /** Only of GET /system/df; −1: not counted. */
  UsageData?: { Size: number; RefCount: number } | null;
  /** Ours, as of a container: where it is. */
  Node?: NodeOfContainer;
}

/** GET /volumes. */
export interface VolumeList {
  Volumes: VolumeRow[] | null;
  Warnings: string[] | null;
}

/** Body of POST /volumes/create. */
export interface VolumeCreateBody {
  Name?: string;
  Driver?: string;
  DriverOpts?: Record<string, string>;
  Labels?: Record<string, string>;
}

/** POST /volumes/prune. */
export interface VolumesPruned {
  VolumesDeleted: string[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}
