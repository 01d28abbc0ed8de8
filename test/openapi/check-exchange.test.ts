import { beforeAll, describe, expect, test } from 'vitest';
import { ExchangeChecker } from './check-exchange.ts';
import { isDeliberate } from './deliberate.ts';
import { loadDocument } from './document.ts';
import type { Exchange } from './exchange.ts';

let checker: ExchangeChecker;
beforeAll(async () => {
  checker = new ExchangeChecker(await loadDocument());
});

const HEADERS = { 'api-version': '1.47', ostype: 'linux', server: 'x', 'docker-experimental': 'false', 'content-type': 'application/json' };

function check(method: string, url: string, status: number, body: unknown, more: Partial<Exchange> & { readonly type?: string } = {}) {
  const { type, ...fields } = more;
  const headers = new Map(Object.entries({ ...HEADERS, ...(type === undefined ? {} : { 'content-type': type }) }));
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return checker
    .check({ method, url, requestHeaders: new Map(), status, headers, body: bytes, cutShort: false, end: 'whole', ...fields })
    .map(({ operation, what }) => `${operation}: ${what}`);
}

const VOLUME = { Name: 'n', Driver: 'local', Mountpoint: '/m', CreatedAt: '2026-11-22T10:00:00Z', Labels: {}, Options: {}, Scope: 'local' };

describe('an answer is held against the document', () => {
  test('by its schema, its required members, and those that are always there', () => {
    expect(check('GET', '/v1.41/volumes/n', 200, VOLUME)).toEqual([]);
    expect(check('GET', '/v1.41/volumes/n', 200, { ...VOLUME, Name: 7 })).toEqual(['GET /volumes/{name}: /Name must be string']);
    expect(check('GET', '/v1.41/volumes/n', 200, { ...VOLUME, Scope: 'nowhere' })).toEqual([
      'GET /volumes/{name}: /Scope must be equal to one of the allowed values',
    ]);
    const { CreatedAt: _, ...dateless } = VOLUME;
    expect(check('GET', '/v1.41/volumes/n', 200, dateless)).toEqual(['GET /volumes/{name}: there is no CreatedAt']);
    expect(check('GET', '/volumes', 200, { Volumes: [VOLUME, { ...VOLUME, Labels: null }], Warnings: null })).toEqual([
      'GET /volumes: /Volumes/*/Labels must be object, is null',
      'GET /volumes: /Warnings must be array, is null',
    ]);
  });

  test('by its status, its content type, its error, its end', () => {
    expect(check('GET', '/v1.41/volumes/n', 202, VOLUME)).toEqual(['GET /volumes/{name}: the status 202 is not documented']);
    expect(check('GET', '/v1.41/volumes/n', 200, VOLUME, { type: 'text/html' })).toEqual([
      'GET /volumes/{name}: the content-type is text/html',
    ]);
    expect(check('GET', '/v1.41/volumes/n', 404, { message: 'no such volume' })).toEqual([]);
    expect(check('GET', '/v1.41/volumes/n', 404, { error: 'no such volume' })).toEqual(['GET /volumes/{name}: an error has no message']);
    expect(check('GET', '/v1.41/volumes/n', 200, VOLUME, { end: 'cut' })).toContain('GET /volumes/{name}: the answer is cut');
    expect(check('DELETE', '/v1.41/volumes/n', 204, 'x')).toContain('DELETE /volumes/{name}: 204 has a body');
    expect(check('GET', '/v1.41/nothing', 200, {})).toEqual(['GET /nothing: there is no such operation, and it answers 200']);
  });

  test('by what its path is, names with slashes too', () => {
    expect(check('GET', '/v1.41/images/a.b:5000/c/d:e/json', 404, { message: 'none' })).toEqual([]);
    expect(check('GET', '/v1.41/images/json?all=1', 200, [])).toEqual([]);
    expect(check('HEAD', '/containers/x/archive?path=/', 200, '')).toEqual([
      'HEAD /containers/{id}/archive: there is no header x-docker-container-path-stat',
    ]);
  });

  test('by the frames of its stream', () => {
    const type = 'application/vnd.docker.multiplexed-stream';
    const frame = Buffer.from([1, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x0a]);
    const unexplained = (body: Buffer, version = 42) =>
      check('GET', `/v1.${version}/containers/x/logs`, 200, body, { type }).filter((what) => !what.includes('content-type'));
    expect(unexplained(Buffer.concat([frame, frame]))).toEqual([]);
    expect(unexplained(frame.subarray(0, 9))).toEqual(['GET /containers/{id}/logs: its last frame is cut']);
    expect(unexplained(Buffer.from('plain text'))).toEqual(['GET /containers/{id}/logs: there is no frame at byte 0']);
    expect(unexplained(frame, 41)).toEqual([`GET /containers/{id}/logs: ${type} is not known to clients of 1.41`]);
    expect(check('POST', '/images/create', 200, '{"status":"a"}\r\n{"stat')).toEqual([
      'POST /images/create: a message of its progress is "{\\"stat"',
    ]);
  });
});

test('what is meant is meant of some operations only', () => {
  const deviation = {
    operation: 'POST /containers/{id}/pause',
    version: 41,
    status: 409,
    what: 'the status 409 is not documented',
    url: '',
  };
  expect(isDeliberate(deviation)).toBe(true);
  expect(isDeliberate({ ...deviation, operation: 'GET /info' })).toBe(false);
});
