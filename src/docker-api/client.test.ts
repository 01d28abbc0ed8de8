import * as fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './client.ts';
import { describeEndpoint, parseEndpoint } from './endpoint.ts';
import { ApiError, CannotReachError } from './errors.ts';
import { jsonLines } from './json-lines.ts';

let directory: string;
let server: Server;
let client: Client;
const seen: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'caravela-client-'));
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const path = request.url ?? '';
    if (path.includes('/echo')) request.pipe(response.writeHead(200));
    else if (path.includes('/refused')) response.writeHead(409).end('{"message":"taken","placement":{"attempts":2}}');
    else if (path.includes('/page')) response.writeHead(502).end('<html>bad gateway</html>');
    else if (path.includes('/silent')) response.writeHead(500).end();
    else if (path.includes('/junk')) response.writeHead(200).end('not json');
    else if (path.includes('/cut')) response.writeHead(200, { 'content-length': 10 }).write('{', () => response.destroy());
    else if (path.includes('/attach')) response.writeHead(200).end('plain stream');
    else if (path.includes('/hang')) response.flushHeaders();
    else response.writeHead(204).end();
  });
  server.on('upgrade', (request, socket) => {
    if (request.url?.includes('/none')) socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{"message":"no such"}');
    else socket.end('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst, second');
  });
  await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve));
  client = new Client({ kind: 'unix', path: join(directory, 's') });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('the client', () => {
  it('speaks JSON, under the version, with its query', async () => {
    const { value, status } = await client.json('POST', '/echo', {
      query: { a: true, b: undefined, c: { x: [1] }, d: 'e f' },
      body: { y: 'ç' },
    });
    expect([value, status]).toEqual([{ y: 'ç' }, 200]);
    expect(seen.at(-1)).toBe('POST /v1.41/echo?a=1&c=%7B%22x%22%3A%5B1%5D%7D&d=e+f');
    expect((await client.json('DELETE', '/caravela/v1/x')).value).toBeUndefined();
    expect(seen.at(-1)).toBe('DELETE /caravela/v1/x');
  });

  it('sends streams as they are', async () => {
    const response = await client.stream('POST', '/echo', { body: Readable.from([Buffer.from('ab'), Buffer.from('cd')]) });
    expect(await text(response)).toBe('abcd');
  });

  it('tells refusals with their status and words', async () => {
    await expect(client.json('GET', '/refused')).rejects.toMatchObject({
      name: 'ApiError',
      status: 409,
      message: 'taken',
      body: { placement: { attempts: 2 } },
    });
    await expect(client.stream('GET', '/page')).rejects.toThrow('<html>bad gateway</html>');
    await expect(client.json('GET', '/silent')).rejects.toThrow('status 500 and no message');
    await expect(client.json('GET', '/junk')).rejects.toThrow('is not JSON: "not json"');
    await expect(client.json('GET', '/junk')).rejects.toBeInstanceOf(ApiError);
  });

  it('tells who can’t be reached, and who is gone in the middle', async () => {
    const nobody = new Client({ kind: 'unix', path: join(directory, 'nobody') });
    await expect(nobody.json('GET', '/x')).rejects.toMatchObject({ code: 'ENOENT', where: join(directory, 'nobody') });
    await expect(new Client({ kind: 'tcp', host: '127.0.0.1', port: 1, tls: false }).json('GET', '/x')).rejects.toBeInstanceOf(
      CannotReachError,
    );
    await expect(client.json('GET', '/cut')).rejects.toBeInstanceOf(CannotReachError);
  });

  it('can be told to stop', async () => {
    await expect(client.json('GET', '/hang', { signal: AbortSignal.timeout(30) })).rejects.toThrow(/aborted/i);
  });

  it('hijacks: upgraded or not, to the end of the stream, errors told', async () => {
    expect(await text((await client.hijack('/containers/x/attach')).output)).toBe('first, second');
    await expect(client.hijack('/containers/none/attach')).rejects.toMatchObject({ status: 404, message: 'no such' });
  });
});

describe('endpoints', () => {
  it.each([
    ['unix:///run/x.sock', false, { kind: 'unix', path: '/run/x.sock' }, '/run/x.sock'],
    ['/run/x.sock', false, { kind: 'unix', path: '/run/x.sock' }, '/run/x.sock'],
    ['tcp://h:1', false, { kind: 'tcp', host: 'h', port: 1, tls: false }, 'h:1'],
    ['tcp://h', true, { kind: 'tcp', host: 'h', port: 2376, tls: true }, 'h:2376'],
    ['http://h/', true, { kind: 'tcp', host: 'h', port: 2375, tls: false }, 'h:2375'],
    ['https://[fd00::1]:9', false, { kind: 'tcp', host: 'fd00::1', port: 9, tls: true }, '[fd00::1]:9'],
  ])('%s', (host, tls, expected, described) => {
    const endpoint = parseEndpoint(host, tls);
    expect(endpoint).toEqual(expected);
    expect(describeEndpoint(endpoint)).toBe(described);
  });

  it.each(['', 'h:1', 'unix://rel', 'ftp://h', 'tcp://h:0', 'tcp://h:70000', 'tcp://h/path', 'tcp://'])('refuses %j, naming it', (host) => {
    expect(() => parseEndpoint(host, false)).toThrow(JSON.stringify(host));
  });
});

describe('JSON lines', () => {
  it('come back whole, however they are cut', async () => {
    const size = fc.integer({ min: 1, max: 9 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.boolean(), size, async (values, endsWithNewline, step) => {
        const bytes = Buffer.from(values.map((v) => JSON.stringify(v)).join('\n') + (endsWithNewline ? '\r\n' : ''));
        const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
        const back: unknown[] = [];
        for await (const value of jsonLines<unknown>(Readable.from(chunks))) back.push(value);
        expect(JSON.stringify(back)).toBe(JSON.stringify(values));
      }),
    );
  });

  it('refuse what is not JSON', async () => {
    const read = async () => {
      for await (const _value of jsonLines(Readable.from([Buffer.from('{"a":1}\nnope\n')])));
    };
    await expect(read()).rejects.toThrow(SyntaxError);
  });
});
