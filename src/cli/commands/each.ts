import { EXIT, Failure, sentence } from '../failure.ts';
import type { Io } from '../io.ts';

/**
 * Does something to each name, in order, and prints what each gives (the name itself, unless told
 * otherwise). One that fails is told on stderr, and the rest goes on; the exit code is then 1.
 */
export async function each(io: Io, names: readonly string[], action: (name: string) => Promise<string | undefined>): Promise<void> {
  let failed = 0;
  for (const name of names) {
    try {
      const said = await action(name);
      if (said !== undefined) io.stdout.write(`${said}\n`);
    } catch (error) {
      const why = sentence(error);
      // A defect, or the only name: the common report will do.
      if (why === undefined || names.length === 1) throw error;
      io.stderr.write(`caravela: ${why}\n`);
      failed++;
    }
  }
  if (failed > 0) throw new Failure('', EXIT.failed);
}
