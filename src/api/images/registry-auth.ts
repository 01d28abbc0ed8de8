import { Object as ObjectOf, Optional, String as StringOf } from 'typebox';
import { Check } from 'typebox/schema';
import type { RegistryAuth } from '../../docker-api/types.ts';
import type { RegistryCredentials } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';
import { API_LIMITS } from '../limits.ts';

const text = Optional(StringOf());
const AUTH = ObjectOf({ username: text, password: text, auth: text, serveraddress: text, identitytoken: text });

/** The X-Registry-Auth header: base64url (or plain base64) of JSON. Absent or empty: no credentials. @throws ApiError 400 */
export function credentialsOf(header: string | string[] | undefined): RegistryCredentials | undefined {
  const encoded = Array.isArray(header) ? header[0] : header;
  if (encoded === undefined || encoded === '') return undefined;
  if (encoded.length > API_LIMITS.registryAuthBytes) {
    throw new ApiError(400, `X-Registry-Auth may have ${API_LIMITS.registryAuthBytes} characters, got ${encoded.length}`);
  }
  return credentialsIn(decoded(encoded));
}

/** What a login, or the header, says in one of its three ways; undefined: nothing. */
export function credentialsIn(auth: RegistryAuth): RegistryCredentials | undefined {
  const { username = '', password = '', identitytoken: identityToken = '' } = auth;
  if (identityToken !== '') return { username, password: '', identityToken };
  if (username !== '') return { username, password };
  const pair = Buffer.from(auth.auth ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon > 0 ? { username: pair.slice(0, colon), password: pair.slice(colon + 1) } : undefined;
}

/** The value itself is a secret: no message repeats it. */
function decoded(encoded: string): RegistryAuth {
  const refused = new ApiError(400, 'X-Registry-Auth must be base64url of a JSON object with username and password');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  } catch {
    throw refused;
  }
  if (!isRegistryAuth(value)) throw refused;
  return value;
}

export const isRegistryAuth = (value: unknown): value is RegistryAuth => Check(AUTH, value);
