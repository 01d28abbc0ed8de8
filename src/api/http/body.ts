import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import { bodyOfUpgrade, wantsUpgrade } from './upgrade.ts';

/** A client's JSON body, whether it asked to upgrade or not; undefined where there is none. @throws ApiError 400, 413 */
export async function jsonOf(request: FastifyRequest, limitBytes: number): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  const body = wantsUpgrade(request) ? Readable.from([bodyOfUpgrade(request)]) : (request.body as Readable | undefined);
  const value = await readJson(body, limitBytes);
  if (value !== undefined && !/^application\/json *(;|$)/i.test(type)) {
    throw new ApiError(400, `Content-Type specified (${type.slice(0, 80)}) must be 'application/json'`);
  }
  return value;
}

/** A JSON body; undefined where there is none. @throws ApiError 400 (not JSON), 413 */
export async function readJson(body: Readable | undefined, limitBytes: number): Promise<unknown> {
  if (body === undefined) return undefined;
  const text = (await readAll(body, limitBytes)).toString('utf8').trim();
  if (text === '') return undefined;
  if (isTooDeep(text)) throw new ApiError(400, `the body may nest objects and lists ${DEEPEST} levels deep, got more`);
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, `the body must be JSON, got ${JSON.stringify(text.slice(0, 80))}`);
  }
}

/** Nothing that this server reads nests deeper; what does would exhaust the stack where it is written out again. */
const DEEPEST = 32;

/** Before it is parsed: brackets outside of strings are counted, in one pass. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const sign = json[at];
    if (sign === '"') at = endOfString(json, at);
    else if (sign === '{' || sign === '[') depth++;
    else if (sign === '}' || sign === ']') depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

/** @returns where the string that begins at `from` has its closing quote, or the text its end */
function endOfString(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}

/** The whole of a stream. @throws ApiError 413, destroying the stream */
export async function readAll(body: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer | string>) {
    const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += data.length;
    if (bytes > limitBytes) throw new ApiError(413, `the body may hold at most ${limitBytes} bytes, got more`);
    chunks.push(data);
  }
  return Buffer.concat(chunks, bytes);
}
