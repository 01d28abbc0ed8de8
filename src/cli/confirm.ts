import type { Io } from './io.ts';

/** Asks on stdout and reads one line of stdin: only y and yes mean yes. */
export async function confirm({ stdin, stdout }: Io, question: string): Promise<boolean> {
  stdout.write(`${question} [y/N] `);
  let line = '';
  for await (const chunk of stdin) {
    line += String(chunk);
    if (line.includes('\n') || line.length > 80) break;
  }
  return /^y(es)?$/i.test(line.split('\n', 1)[0]?.trim() ?? '');
}
