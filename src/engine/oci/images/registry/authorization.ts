/**
 * What a registry's 401 asks for (distribution spec; token: "Token Authentication Specification"):
 * Basic with the user's credentials, or Bearer with a token from the realm it names.
 */
import type { RegistryCredentials } from '../../../port.ts';
import { ImageError } from '../../../port.ts';
import { parseObject } from '../documents.ts';
import { type GetOptions, httpGet, readBody } from './http-get.ts';

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const MAX_TOKEN_BYTES = 256 * 1024;
const MAX_CHALLENGE_LENGTH = 4096;

/** A WWW-Authenticate header's first challenge; undefined where it is none (RFC 9110 §11.6.1). */
export function parseChallenge(header: string): Challenge | undefined {
  const match = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(header.slice(0, MAX_CHALLENGE_LENGTH));
  if (match?.[1] === undefined) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key, quoted, bare] of (match[2] ?? '').matchAll(/([A-Za-z_]+)=(?:"([^"]*)"|([^\s",]+))/g)) {
    if (key !== undefined) parameters[key.toLowerCase()] = quoted ?? bare ?? '';
  }
  return { scheme: match[1].toLowerCase(), parameters };
}

/** The Authorization header that answers `challenge`. @throws ImageError denied, unreachable */
export async function authorize(
  challenge: Challenge | undefined,
  registry: URL,
  scope: string,
  credentials: RegistryCredentials | undefined,
  get: GetOptions,
): Promise<string> {
  if (challenge?.scheme === 'basic') {
    if (credentials === undefined) throw new ImageError('denied', `${get.peer} wants a user name and password: log in first`);
    return basic(credentials);
  }
  if (challenge?.scheme !== 'bearer') throw new ImageError('denied', `${get.peer} refuses access and doesn't say how to log in`);
  return `Bearer ${await fetchToken(challenge, registry, scope, credentials, get)}`;
}

async function fetchToken(
  { parameters }: Challenge,
  registry: URL,
  scope: string,
  credentials: RegistryCredentials | undefined,
  get: GetOptions,
): Promise<string> {
  const realm = URL.parse(parameters['realm'] ?? '');
  if (realm === null || !['http:', 'https:'].includes(realm.protocol))
    throw new ImageError('denied', `${get.peer} names no usable token server`);
  if (registry.protocol === 'https:' && realm.protocol !== 'https:')
    throw new ImageError('denied', `${get.peer} names a token server without TLS, ${realm.host}: credentials are not sent there`);
  if (parameters['service'] !== undefined) realm.searchParams.set('service', parameters['service']);
  realm.searchParams.set('scope', parameters['scope'] ?? scope);
  const headers: Record<string, string> = credentials === undefined ? {} : { authorization: basic(credentials) };
  const response = await httpGet(realm, { ...get, headers, peer: `token server ${realm.host}` });
  const body = await readBody(response, MAX_TOKEN_BYTES, `the token from ${realm.host}`);
  if (response.statusCode !== 200)
    throw new ImageError('denied', `token server ${realm.host} refuses access with ${response.statusCode}: is the password right?`);
  const answer = parseObject(body, `the token from ${realm.host}`);
  const token = answer['token'] ?? answer['access_token'];
  // It becomes a header's value: nothing but visible ASCII may get there.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new ImageError('denied', `token server ${realm.host} sent no token`);
  return token;
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
