import { sentence } from '../failure.ts';
import { EXIT, Failure } from '../failure.ts';

/** What runtimes say of a program that isn't there, and of one that may not be run. */
const NOT_FOUND = /executable file (?:`[^`]*` )?not found|no such file or directory|not found in \$?PATH/i;
const NOT_EXECUTABLE = /permission denied|is a directory|exec format error|not executable/i;

/** A container that could not be started: Docker's 127 and 126 where it is the program's fault, else 125. */
export function startFailure(error: unknown): unknown {
  const why = sentence(error);
  if (why === undefined || error instanceof Failure) return error;
  return new Failure(why, NOT_FOUND.test(why) ? EXIT.notFound : NOT_EXECUTABLE.test(why) ? EXIT.notExecutable : EXIT.refused);
}
