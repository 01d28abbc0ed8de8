import type { RegistryAuth } from '../../docker-api/types.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { parseReference } from '../parse/reference.ts';
import { CredentialStore } from './store.ts';

/** The header that carries them: base64url of their JSON, with its padding, which Docker's daemon wants (RFC 4648, section 5). */
export function authHeader(auth: RegistryAuth): Record<string, string> {
  const text = Buffer.from(JSON.stringify(auth)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return { 'X-Registry-Auth': text };
}

/** Of an image's registry, or none; the header is there in any case, as Docker's daemon wants it. @throws Failure where they can't be had */
export async function authHeadersFor(env: Io['env'], image: string): Promise<Record<string, string>> {
  const store = await CredentialStore.open(env);
  return authHeader((await store.get(parseReference(image).registry)) ?? {});
}

/** To read, most need none: where they can't be had that is said, and it is tried without. */
export async function tryAuthHeadersFor(io: Io, image: string): Promise<Record<string, string>> {
  try {
    return await authHeadersFor(io.env, image);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    io.stderr.write(`warning: asking ${parseReference(image).registry} without credentials: ${error.message}\n`);
    return {};
  }
}
