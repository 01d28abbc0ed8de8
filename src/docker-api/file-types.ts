/** Files of containers (Engine API 1.41: ContainerArchive, ContainerChanges). */

/** The header of /containers/{id}/archive that tells of a path: base64 of a PathStat's JSON. */
export const PATH_STAT_HEADER = 'X-Docker-Container-Path-Stat';

export interface PathStatHeader {
  name: string;
  size: number;
  /** As Go's os.FileMode: GO_FILE_MODE tells the kinds. */
  mode: number;
  /** RFC 3339. */
  mtime: string;
  linkTarget: string;
}

/** Bits of Go's os.FileMode beside the nine permissions (Go's documentation, package io/fs, FileMode). */
export const GO_FILE_MODE = { directory: 2 ** 31, symlink: 2 ** 27 } as const;

export const CHANGE_LETTERS = ['C', 'A', 'D'] as const;

/** One row of GET /containers/{id}/changes. `Kind` is the place in CHANGE_LETTERS. */
export interface ChangeRow {
  Path: string;
  Kind: number;
}
