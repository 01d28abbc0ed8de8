/**
 * What a registry's 401 asks for (distribution spec; "Token Authentication Specification" and its
 * OAuth2 variant): Basic with the user's credentials, or Bearer with a token from the realm it names.
 */
import type { RegistryCredentials } from '../../../port.ts';
import { ImageError } from '../../../port.ts';
import { parseObject } from '../documents.ts';
import { readBody, request, type RequestOptions } from './http-request.ts';

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface Authorization {
  /** The header's value. */
  readonly header: string;
  /** Undefined: it does not expire. */
  readonly lifetimeMs: number | undefined;
}

export interface AuthorizationRequest {
  readonly challenge: Challenge | undefined;
  readonly registry: URL;
  /** `repository:NAME:pull,push` each; none: as the challenge says. */
  readonly scopes: readonly string[];
  readonly credentials: RegistryCredentials | undefined;
  readonly request: RequestOptions;
}

const MAX_TOKEN_BYTES = 256 * 1024;
const MAX_CHALLENGE_LENGTH = 4096;
/** Where the token server doesn't say, by the spec. */
const DEFAULT_LIFETIME_S = 60;
const MAX_LIFETIME_S = 86_400;
/** What Docker's clients put for the user when the password is an identity token. */
const TOKEN_USER = '<token>';

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

/** What answers the challenge. @throws ImageError denied, unreachable */
export async function authorize(wanted: AuthorizationRequest): Promise<Authorization> {
  const {
    challenge,
    credentials,
    request: { peer },
  } = wanted;
  if (challenge?.scheme === 'basic') {
    if (credentials === undefined || identityTokenOf(credentials) !== undefined)
      throw new ImageError('denied', `${peer} wants a user name and password: log in first`);
    return { header: basic(credentials), lifetimeMs: undefined };
  }
  if (challenge?.scheme !== 'bearer') throw new ImageError('denied', `${peer} refuses access and doesn't say how to log in`);
  return fetchToken(challenge, wanted);
}

async function fetchToken({ parameters }: Challenge, wanted: AuthorizationRequest): Promise<Authorization> {
  const { registry, credentials, request: options } = wanted;
  const realm = URL.parse(parameters['realm'] ?? '');
  if (realm === null || !['http:', 'https:'].includes(realm.protocol))
    throw new ImageError('denied', `${options.peer} names no usable token server`);
  if (registry.protocol === 'https:' && realm.protocol !== 'https:')
    throw new ImageError('denied', `${options.peer} names a token server without TLS, ${realm.host}: credentials are not sent there`);
  const scopes = wanted.scopes.length > 0 || parameters['scope'] === undefined ? wanted.scopes : [parameters['scope']];
  const identityToken = credentials && identityTokenOf(credentials);
  const ask: RequestOptions = { ...options, headers: {}, peer: `token server ${realm.host}` };
  const response = await (identityToken === undefined
    ? askByGet(realm, parameters['service'], scopes, credentials, ask)
    : askByRefresh(realm, parameters['service'], scopes, identityToken, ask));
  const what = `the token from ${realm.host}`;
  const body = await readBody(response, MAX_TOKEN_BYTES, what, options.patience.answerMs);
  const status = response.statusCode ?? 0;
  if (status === 429 || status >= 500)
    throw new ImageError('unreachable', `token server ${realm.host} answered ${status}; try again later`);
  if (status !== 200)
    throw new ImageError('denied', `unauthorized: token server ${realm.host} refuses access with ${status}: is the password right?`);
  const answer = parseObject(body, what);
  const token = answer['token'] ?? answer['access_token'];
  // It becomes a header's value: nothing but visible ASCII may get there.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new ImageError('denied', `token server ${realm.host} sent no token`);
  return { header: `Bearer ${token}`, lifetimeMs: lifetimeOf(answer['expires_in']) * 1000 };
}

function askByGet(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: RegistryCredentials | undefined,
  ask: RequestOptions,
): ReturnType<typeof request> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return request(url, { ...ask, headers: credentials === undefined ? {} : { authorization: basic(credentials) } });
}

/** RFC 6749 §6, as the registries' OAuth2 endpoint has it. */
function askByRefresh(
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  identityToken: string,
  ask: RequestOptions,
): ReturnType<typeof request> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'caravela', refresh_token: identityToken });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const body = Buffer.from(form.toString());
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
  return request(realm, { ...ask, method: 'POST', headers, body: () => body });
}

function identityTokenOf({ username, password, identityToken }: RegistryCredentials): string | undefined {
  if (identityToken !== undefined && identityToken !== '') return identityToken;
  return username === TOKEN_USER ? password : undefined;
}

function lifetimeOf(seconds: unknown): number {
  return typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, MAX_LIFETIME_S) : DEFAULT_LIFETIME_S;
}

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
