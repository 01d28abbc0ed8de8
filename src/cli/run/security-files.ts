import { Failure, EXIT } from '../failure.ts';
import { readText } from '../read-text.ts';

const WORDS = ['unconfined', 'builtin', 'default'];

/** `seccomp=FILE` becomes `seccomp=` and what the file says, as Docker's client does: the file is here, the container is not. */
export function readSecurityOptions(options: readonly string[]): Promise<string[]> {
  return Promise.all(
    options.map(async (option) => {
      const [, file = ''] = /^seccomp[=:](.*)$/s.exec(option) ?? [];
      if (file === '' || WORDS.includes(file) || file.trimStart().startsWith('{')) return option;
      const text = await readText(file);
      try {
        return `seccomp=${JSON.stringify(JSON.parse(text))}`;
      } catch (error) {
        throw new Failure(`${file} is no seccomp profile: ${error instanceof Error ? error.message : String(error)}`, EXIT.refused);
      }
    }),
  );
}
