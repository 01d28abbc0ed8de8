import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../docker-api/framing.ts';
import { type Asked, FakeDaemon, run, type RunOptions } from '../testing.ts';

const ID = 'c'.repeat(64);
let daemon: FakeDaemon;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
});
afterEach(async () => {
  await daemon.close();
});

describe('logs', () => {
  it('keeps the streams apart, and passes on what was asked', async () => {
    daemon.on('GET /containers/web/json', { Id: ID, Config: { Tty: false } });
    daemon.on(`GET /containers/${ID}/logs`, (_asked: Asked, response: ServerResponse) => {
      response.write(encodeFrame('stdout', Buffer.from('out\n')));
      response.end(encodeFrame('stderr', Buffer.from('err\n')));
    });
    expect(await cli(['logs', '-f', '--tail', '5', '-t', '--details', '--since', '1700000000', 'web'])).toEqual({
      code: 0,
      out: 'out\n',
      err: 'err\n',
    });
    expect(daemon.asked[1]?.query).toEqual({
      stdout: '1',
      stderr: '1',
      follow: '1',
      tail: '5',
      timestamps: '1',
      since: '1700000000',
      details: '1',
    });
    expect((await cli(['logs', '--tail', 'few', 'web'])).err).toMatch(/--tail takes a number of lines or all, got "few"/);
  });

  it('says so when they break off', async () => {
    daemon.on('GET /containers/web/json', { Id: ID, Config: { Tty: false } });
    daemon.on(`GET /containers/${ID}/logs`, (_asked: Asked, response: ServerResponse) =>
      response.end(encodeFrame('stdout', Buffer.from('whole')).subarray(0, 10)),
    );
    expect(await cli(['logs', 'web'])).toMatchObject({ code: 1, out: 'wh' });
    daemon.on('GET /containers/web/json', { Id: ID, Config: { Tty: true } });
    daemon.on(`GET /containers/${ID}/logs`, (_asked: Asked, response: ServerResponse) => response.end('raw'));
    expect(await cli(['logs', 'web'])).toEqual({ code: 0, out: 'raw', err: '' });
  });
});
