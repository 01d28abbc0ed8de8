import { ApiError, CannotReachError } from '../docker-api/errors.ts';
import { TemplateError } from './format/template/template-error.ts';

/** Docker's exit codes beside the container's own. */
export const EXIT = { failed: 1, refused: 125, notExecutable: 126, notFound: 127 } as const;

/** A command ends here, with a sentence for stderr (none where all is said) and its exit code. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** One or two sentences for the user, without a stack; undefined for what is a defect of ours. */
export function sentence(error: unknown): string | undefined {
  if (error instanceof CannotReachError) return cannotReach(error);
  if (error instanceof Failure || error instanceof ApiError || error instanceof TemplateError) return error.message;
  if (isBrokenOff(error)) return `lost the connection to the daemon (${error.message}): what was asked may or may not have been done`;
  // Values that can't be read (sizes, durations) and files that can't be opened.
  if (error instanceof RangeError) return error.message;
  if (error instanceof Error && 'code' in error && 'syscall' in error) return cannotUse(error as NodeJS.ErrnoException);
  return undefined;
}

/** Whether the other side of a stream ended before its end; Node tells it in several ways. */
export function isBrokenOff(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof CannotReachError || !('code' in error)) return false;
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code));
}

function cannotUse(error: NodeJS.ErrnoException): string {
  if (error.path === undefined) return error.message;
  const why = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'part of it is not a directory',
  };
  return `cannot use ${error.path}: ${why[error.code as keyof typeof why] ?? error.message}`;
}

function cannotReach(error: CannotReachError): string {
  const cause = (error.cause as Error | undefined)?.message ?? error.message;
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `cannot reach the daemon at ${error.where}: is it running? start it with \`caravela daemon\`, or make an instance with \`caravela create\``;
    case 'EACCES':
    case 'EPERM':
      return `may not use the daemon's socket ${error.where}: run this as root or as a member of the group caravela`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `lost the connection to the daemon at ${error.where} (${cause}): what was asked may or may not have been done`;
    default:
      return `cannot reach the daemon at ${error.where}: ${cause}`;
  }
}
