import { readText } from '../read-text.ts';
import type { ContainerOptions } from './container-options.ts';
import { readSecurityOptions } from './security-files.ts';

/** What options say that name files of this machine. */
export interface BodyFiles {
  /** Texts of the --env-file files, in order. */
  readonly envFiles: readonly string[];
  readonly labelFiles: readonly string[];
  /** With the profiles themselves in the place of their files. */
  readonly securityOpt: readonly string[];
}

export async function readBodyFiles({ envFile, labelFile, securityOpt = [] }: ContainerOptions): Promise<BodyFiles> {
  const read = (files: readonly string[] | undefined) => Promise.all((files ?? []).map(readText));
  const [envFiles, labelFiles, security] = await Promise.all([read(envFile), read(labelFile), readSecurityOptions(securityOpt)]);
  return { envFiles, labelFiles, securityOpt: security };
}
