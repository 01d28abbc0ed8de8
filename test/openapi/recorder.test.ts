import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Exchange } from './exchange.ts';
import { Recorder } from './recorder.ts';

interface Talk {
  readonly request: string;
  readonly answer: string;
}

/** Feeds a connection in pieces that end at these places, and tells what was made of it. */
function record(talks: readonly Talk[], cuts: readonly number[], end: 'client' | 'daemon' = 'daemon') {
  const exchanges: Exchange[] = [];
  const complaints: string[] = [];
  const recorder = new Recorder(
    (exchange) => exchanges.push(exchange),
    (what) => complaints.push(what),
  );
  const pieces = (text: string): Buffer[] => {
    const bytes = Buffer.from(text, 'latin1');
    const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
    return places.slice(1).map((place, i) => bytes.subarray(places[i], place));
  };
  for (const { request, answer } of talks) {
    for (const piece of pieces(request)) recorder.fromClient(piece);
    for (const piece of pieces(answer)) recorder.fromDaemon(piece);
  }
  recorder.closed(end === 'client');
  return { exchanges, complaints };
}

const GET = { request: 'GET /v1.41/info HTTP/1.1\r\nHost: x\r\n\r\n', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}' };
const POST = {
  request: 'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  answer: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n2\r\n/x\r\n0\r\n\r\n',
};
const HEAD = { request: 'HEAD /_ping HTTP/1.1\r\n\r\n', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' };
const NOTHING = { request: 'DELETE /b HTTP/1.1\r\n\r\n', answer: 'HTTP/1.1 204 No Content\r\n\r\n' };
const ATTACH = {
  request: 'POST /containers/x/attach?stream=1 HTTP/1.1\r\nUpgrade: tcp\r\n\r\ninput of any kind\r\n\r\n',
  answer: 'HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nHTTP/1.1 500 as output\r\n\r\n',
};

describe('a connection is read as exchanges', () => {
  test('however it comes in pieces', () => {
    const cuts = fc.array(fc.nat(400), { maxLength: 12 });
    const talks = fc.array(fc.constantFrom(GET, POST, HEAD, NOTHING), { maxLength: 5 });
    fc.assert(
      fc.property(talks, cuts, (most, at) => {
        const all = [...most, ATTACH];
        expect(record(all, at)).toEqual(record(all, []));
      }),
    );
  });

  test('with their statuses and bodies', () => {
    const { exchanges, complaints } = record([GET, POST, HEAD, NOTHING, ATTACH], []);
    expect(exchanges.map(({ method, url, status, body, end }) => [method, url, status, body.toString(), end])).toEqual([
      ['GET', '/v1.41/info', 200, '{}', 'whole'],
      ['POST', '/a', 201, 'GET /x', 'whole'],
      ['HEAD', '/_ping', 200, '', 'whole'],
      ['DELETE', '/b', 204, '', 'whole'],
      ['POST', '/containers/x/attach?stream=1', 101, 'HTTP/1.1 500 as output\r\n\r\n', 'whole'],
    ]);
    expect(complaints).toEqual([]);
  });

  test('with who ended one that is not whole', () => {
    const half = { ...GET, answer: GET.answer.slice(0, -1) };
    expect(record([half], []).exchanges.map(({ end }) => end)).toEqual(['cut']);
    expect(record([half], [], 'client').exchanges.map(({ end }) => end)).toEqual(['left']);
    expect(record([{ ...GET, answer: '' }], []).complaints).toEqual(['GET /v1.41/info: no answer']);
    expect(record([{ ...GET, answer: '' }], [], 'client').complaints).toEqual([]);
  });
});
