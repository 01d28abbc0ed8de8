import { readText } from '../read-text.ts';
import type { ContainerOptions } from './container-options.ts';

/** Texts of the --env-file and --label-file files, in order. */
export interface BodyFiles {
  readonly envFiles: readonly string[];
  readonly labelFiles: readonly string[];
}

export async function readBodyFiles({ envFile, labelFile }: ContainerOptions): Promise<BodyFiles> {
  const read = (files: readonly string[] | undefined) => Promise.all((files ?? []).map(readText));
  const [envFiles, labelFiles] = await Promise.all([read(envFile), read(labelFile)]);
  return { envFiles, labelFiles };
}
