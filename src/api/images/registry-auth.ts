import { Object as ObjectOf, Optional, String as StringOf } from 'typebox';
import { Check } from 'typebox/schema';
import type { RegistryAuth } from '../../docker-api/types.ts';
import type { RegistryCredentials } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';
import { API_LIMITS } from '../limits.ts';

const AUTH = ObjectOf({ username: Optional(StringOf()), password: Optional(StringOf()), auth: Optional(StringOf()) });

/** The X-Registry-Auth header: base64url (or plain base64) of JSON. Absent or empty: no credentials. @throws ApiError 400 */
export function credentialsOf(header: string | string[] | undefined): RegistryCredentials | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined || text === '') return undefined;
  if (text.length > API_LIMITS.registryAuthBytes) {
    throw new ApiError(400, `X-Registry-Auth may have ${API_LIMITS.registryAuthBytes} characters, got ${text.length}`);
  }
  const auth = decoded(text);
  if (auth.username !== undefined && auth.username !== '') return { username: auth.username, password: auth.password ?? '' };
  const pair = Buffer.from(auth.auth ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon > 0 ? { username: pair.slice(0, colon), password: pair.slice(colon + 1) } : undefined;
}

/** The value itself is a secret: no message repeats it. */
function decoded(text: string): RegistryAuth {
  const refused = new ApiError(400, 'X-Registry-Auth must be base64url of a JSON object with username and password');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    throw refused;
  }
  if (!Check(AUTH, value)) throw refused;
  return value;
}
