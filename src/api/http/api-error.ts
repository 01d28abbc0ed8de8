import type { CoreError, Placement } from '../../core/model/index.ts';
import type { EngineError, FileError, ImageError, VolumeError } from '../../engine/port.ts';
import { assertNever } from '../../lib/assert.ts';
import type { AgreementRefused } from '../agreement-service.ts';
import type { NetworkRefused } from '../network-service.ts';

/** What an answer says beside its sentence. */
export interface ErrorFacts {
  /** Why a run was refused, node by node. */
  readonly placement?: Placement | undefined;
  /** The image, as it was written, that no node has. */
  readonly missingImage?: string | undefined;
}

/** An answer that is not a success: its status and its sentence. Thrown by handlers, written by the server. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly facts: ErrorFacts;
  constructor(status: number, message: string, facts: ErrorFacts = {}) {
    super(message);
    this.status = status;
    this.facts = facts;
  }
}

/** Docker's clients tell exit codes 126 and 127 from these words of the runtime. */
const NOT_STARTABLE = /executable file not found|no such file or directory|permission denied|is a directory/i;

/** What was asked for can't be, whoever asks for it again: the engine's words, which are Docker's. */
const INVALID =
  /invalid mount config for type|Duplicate mount point|invalid ulimit type|invalid security option|is not in a separate kernel namespace/;

/** A refusal of the core, as Docker's status. `wrong-state` is the caller's: 304 or 409. */
export function fromCoreError(error: CoreError, placement?: Placement): ApiError {
  return new ApiError(statusOf(error), error.message, { placement });
}

function statusOf(error: CoreError): number {
  switch (error.code) {
    case 'no-room':
    case 'draining':
    case 'too-many-runs':
    case 'supplier-lost':
    case 'no-agreement':
      return 503;
    case 'name-taken':
    case 'port-taken':
    case 'wrong-state':
      return 409;
    case 'no-such-container':
    case 'image-missing':
      return 404;
    case 'invalid-request':
      return 400;
    case 'engine-failed':
      return NOT_STARTABLE.test(error.message) || INVALID.test(error.message) ? 400 : 500;
    case 'network-failed':
    case 'store-failed':
    case 'cancelled':
    case 'internal':
      return 500;
    default:
      return assertNever(error.code);
  }
}

export function fromImageError(error: ImageError): ApiError {
  return new ApiError(imageStatusOf(error.code), error.message);
}

function imageStatusOf(code: ImageError['code']): number {
  switch (code) {
    case 'not-found':
    case 'no-platform':
      return 404;
    case 'denied':
      return 403;
    case 'bad-reference':
      return 400;
    case 'in-use':
      return 409;
    case 'unreachable':
    case 'corrupt':
    case 'no-space':
    case 'failed':
      return 500;
    default:
      return assertNever(code);
  }
}

export function fromEngineError({ code, message }: EngineError): ApiError {
  const unstartable = NOT_STARTABLE.test(message) ? 400 : 500;
  const statuses = { 'image-missing': 404, 'no-such-container': 404, 'wrong-state': 409, 'engine-failed': unstartable } as const;
  return new ApiError(statuses[code], message);
}

export function fromFileError({ code, message }: FileError): ApiError {
  const statuses = { 'no-such-path': 404, 'not-a-directory': 400, 'read-only': 403, 'bad-archive': 400, conflict: 400 } as const;
  return new ApiError(statuses[code], message);
}

export function fromVolumeError({ code, message }: VolumeError): ApiError {
  const statuses = { 'not-found': 404, 'in-use': 409, 'bad-name': 400, failed: 500 } as const;
  return new ApiError(statuses[code], message);
}

export function fromAgreementRefused(error: AgreementRefused): ApiError {
  const statuses = { invalid: 400, 'not-found': 404, conflict: 409, failed: 500 } as const;
  return new ApiError(statuses[error.code], error.message);
}

export function fromNetworkRefused(error: NetworkRefused): ApiError {
  return new ApiError(networkStatusOf(error.code), error.message);
}

function networkStatusOf(code: NetworkRefused['code']): number {
  switch (code) {
    case 'invalid':
      return 400;
    case 'in-use':
    case 'forbidden':
      return 403;
    case 'not-found':
      return 404;
    case 'conflict':
      return 409;
    case 'failed':
      return 500;
    case 'no-agreement':
      return 503;
    default:
      return assertNever(code);
  }
}
