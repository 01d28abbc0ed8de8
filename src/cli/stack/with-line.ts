import { sentence } from '../failure.ts';
import type { StackFile } from './stack-file.ts';
import { StackFileError } from './stack-file-error.ts';

/** The daemon knows names only: what it says of a container gets the file's line. Any other error stays as it is. */
export function withLine(error: unknown, file: string, { containers }: StackFile): unknown {
  const why = sentence(error);
  if (why === undefined) return error;
  const about = containers.find(({ name }) => why.startsWith(`container ${name}: `));
  return about === undefined ? error : new StackFileError(file, about.line, why);
}
