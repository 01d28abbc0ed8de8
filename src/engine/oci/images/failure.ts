import { hasCode } from '../../../linux/system-error.ts';
import { ImageError } from '../../port.ts';

/** `error` as an ImageError that says what was being done; one that is none already says so itself. */
export function imageFailure(error: unknown, doing: string): ImageError {
  if (error instanceof ImageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (hasCode(error, 'ENOSPC', 'EDQUOT'))
    return new ImageError('no-space', `no space left on the disk while ${doing}: free some (unused images: rmi), then try again`);
  return new ImageError('failed', `${doing} failed: ${message}`);
}
