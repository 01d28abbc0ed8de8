import { ApiError } from '../../docker-api/errors.ts';
import { EXIT, Failure, sentence } from '../failure.ts';
import { compileTemplate } from '../format/template/evaluate.ts';
import type { Io } from '../io.ts';

/** What shows one thing by `--format`; undefined: all as JSON. @throws TemplateError */
export function renderOf(format: string | undefined): ((thing: unknown) => string) | undefined {
  if (format === undefined || format === '') return undefined;
  return compileTemplate(format === 'json' ? '{{json .}}' : format);
}

/** Prints what was found, then says what was not. @throws Failure where something was not */
export async function inspectEach(
  io: Io,
  names: readonly string[],
  render: ((thing: unknown) => string) | undefined,
  inspect: (name: string) => Promise<unknown>,
): Promise<void> {
  const found: unknown[] = [];
  const missing: string[] = [];
  for (const name of names) {
    try {
      found.push(await inspect(name));
    } catch (error) {
      const why = sentence(error);
      if (why === undefined || !(error instanceof ApiError)) throw error;
      missing.push(why);
    }
  }
  if (render === undefined) io.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`);
  else for (const thing of found) io.stdout.write(`${render(thing)}\n`);
  for (const why of missing) io.stderr.write(`caravela: ${why}\n`);
  if (missing.length > 0) throw new Failure('', EXIT.failed);
}
