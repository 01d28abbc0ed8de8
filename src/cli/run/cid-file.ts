import { open, rm } from 'node:fs/promises';
import { EXIT, Failure } from '../failure.ts';

/**
 * Has an id made and writes it to the file of `--cidfile`. The file is made first: no container is placed whose id
 * could not be written down. Where there is no id, there is no file. @throws Failure where it exists, ErrnoException
 */
export async function writingId(file: string | undefined, create: () => Promise<string>): Promise<string> {
  if (file === undefined) return await create();
  const opened = await open(file, 'wx').catch((error: unknown) => {
    throw isThere(error) ? existing(file) : error;
  });
  try {
    const id = await create();
    await opened.writeFile(id);
    return id;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await opened.close();
  }
}

const isThere = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EEXIST';

const existing = (file: string): Failure =>
  new Failure(`the file ${file} exists: it may hold the id of another container; remove it, or name another --cidfile`, EXIT.refused);
