/**
 * The JSON of the Docker Engine API 1.41, as far as Caravela speaks it. Names and shapes are Docker's
 * own (docs.docker.com/engine/api/v1.41); what classic Swarm added (`Node`) and what we add
 * (`Caravela`) is marked. Times are RFC 3339 strings unless said otherwise, sizes bytes.
 */

/** Versions of the API we answer; requests outside are refused with 400. */
export const API_VERSION = '1.41';
export const MIN_API_VERSION = '1.24';
export const MAX_API_VERSION = '1.47';

export interface ErrorBody {
  message: string;
  /** Ours: why a run was refused, node by node (caravela-types.ts, PlacementRow). */
  placement?: import('./caravela-types.ts').PlacementRow;
  /** Ours: the image, as it was written, that no node has. */
  missingImage?: string;
}

export * from './container-answer.ts';
export type * from './container-request.ts';
export * from './file-types.ts';
export type * from './image-types.ts';
export type * from './network-types.ts';
export type * from './process-types.ts';
export type * from './system-types.ts';
export type * from './volume-types.ts';
