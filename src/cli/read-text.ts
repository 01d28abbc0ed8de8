import { readFile } from 'node:fs/promises';

/** A file that the user named. What fails says which: where it is a directory, Node's error does not. @throws ErrnoException */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { path }) : error;
  }
}
