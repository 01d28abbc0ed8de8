import { readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, FakeDaemon, FakeTerminal, refuse, run, type RunOptions } from '../testing.ts';

let daemon: FakeDaemon;
const cli = (line: string, options: RunOptions = {}) =>
  run(['--host', `unix://${daemon.socket}`, ...line.split(' ')], { ...options, env: { DOCKER_CONFIG: daemon.directory } });
const kept = (): unknown => JSON.parse(readFileSync(join(daemon.directory, 'config.json'), 'utf8'));
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const HUB = 'https://index.docker.io/v1/';

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  daemon.on('POST /auth', ({ body }: Asked, response: ServerResponse) => {
    const { password } = JSON.parse(body) as { password: string };
    return password === 'good'
      ? { Status: 'Login Succeeded', IdentityToken: '' }
      : refuse(response, 401, 'unauthorized: incorrect username or password');
  });
});
afterEach(() => daemon.close());

describe('login', () => {
  it('checks what comes on stdin, and keeps it', async () => {
    const ran = await cli('login -u me --password-stdin reg.example:5000', { stdin: 'good\n' });
    expect(ran).toMatchObject({ code: 0, out: 'Login Succeeded\n' });
    expect(ran.err).toContain(`WARNING! Your credentials are stored unencrypted in '${daemon.directory}/config.json'`);
    expect(JSON.parse(daemon.asked[0]?.body ?? '')).toEqual({ username: 'me', password: 'good', serveraddress: 'reg.example:5000' });
    expect(kept()).toEqual({ auths: { 'reg.example:5000': { auth: base64('me:good') } } });
    expect(await cli('login -u me --password-stdin', { stdin: 'bad' })).toEqual({
      code: 1,
      out: '',
      err: 'caravela: unauthorized: incorrect username or password\n',
    });
    expect(kept()).toEqual({ auths: { 'reg.example:5000': { auth: base64('me:good') } } });
  });

  it('asks a user, and shows nothing of the password', async () => {
    const terminal = new FakeTerminal();
    const stdin = new PassThrough();
    stdin.write('me\ngoox\u007fd\r');
    const ran = await cli('login', { tty: true, terminal, stdin });
    expect(ran).toMatchObject({ code: 0, out: 'Username: Password: \nLogin Succeeded\n' });
    expect(terminal.raw).toEqual([true, false]);
    expect(kept()).toEqual({ auths: { [HUB]: { auth: base64('me:good') } } });
    const broken = new PassThrough();
    broken.write('me\nxx\u0003');
    expect(await cli('login other.example', { tty: true, terminal, stdin: broken })).toMatchObject({
      code: 1,
      out: 'Username: Password: \n',
    });
    expect(terminal.raw.at(-1)).toBe(false);
  });

  it('tries what is kept', async () => {
    writeFileSync(join(daemon.directory, 'config.json'), JSON.stringify({ auths: { 'reg.example': { auth: base64('me:good') } } }));
    expect((await cli('login reg.example')).out).toBe('Authenticating with existing credentials... [Username: me]\nLogin Succeeded\n');
    writeFileSync(join(daemon.directory, 'config.json'), JSON.stringify({ auths: { 'reg.example': { auth: base64('me:old') } } }));
    const ran = await cli('login reg.example');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.err).toMatch(
      /^Login did not succeed, error: unauthorized.*\ncaravela: cannot perform an interactive login from a non TTY device/s,
    );
  });

  it('keeps the token a registry gives in the place of the password', async () => {
    daemon.on('POST /auth', { Status: 'Login Succeeded', IdentityToken: 'ID' });
    expect((await cli('login -u me -p any reg.example')).err).toMatch(/^WARNING! Using --password via the CLI is insecure/);
    expect(kept()).toEqual({ auths: { 'reg.example': { auth: base64('me:'), identitytoken: 'ID' } } });
  });

  it('says what does not go together', async () => {
    expect((await cli('login --password-stdin')).err).toBe('caravela: --password-stdin needs --username\n');
    expect((await cli('login -u a -p b --password-stdin')).err).toMatch(/exclude each other/);
    expect(await cli('login -u me --password-stdin', { stdin: '\n' })).toMatchObject({ code: 1, err: 'caravela: a password is needed\n' });
    expect(daemon.lines).toEqual([]);
  });
});

describe('logout', () => {
  it('forgets', async () => {
    await cli('login -u me --password-stdin reg.example', { stdin: 'good' });
    expect(await cli('logout reg.example')).toEqual({ code: 0, out: 'Removing login credentials for reg.example\n', err: '' });
    expect(kept()).toEqual({ auths: {} });
    expect((await cli('logout')).out).toBe(`Not logged in to ${HUB}\n`);
  });
});

describe('credentials go along', () => {
  const sent: Record<string, unknown>[] = [];
  beforeEach(() => {
    sent.length = 0;
    const answer = (line: object) => (_asked: Asked, response: ServerResponse) => {
      const header = response.req.headers['x-registry-auth'];
      sent.push(header === undefined ? {} : (JSON.parse(Buffer.from(String(header), 'base64url').toString()) as Record<string, unknown>));
      response.end(`${JSON.stringify(line)}\n`);
    };
    daemon.on('POST /images/create', answer({ status: 'Pulled' })).on('POST /images/reg.example/a/push', answer({ status: 'Pushed' }));
    writeFileSync(join(daemon.directory, 'config.json'), JSON.stringify({ auths: { 'reg.example': { auth: base64('me:good') } } }));
  });
  const mine = { username: 'me', password: 'good', serveraddress: 'reg.example' };

  it('with pull, push and run', async () => {
    expect((await cli('pull reg.example/a')).out).toBe('Using default tag: latest\nPulled\nreg.example/a:latest\n');
    expect(await cli('pull -q --platform linux/arm64 nginx:1')).toEqual({ code: 0, out: 'docker.io/library/nginx:1\n', err: '' });
    expect(await cli('pull -a reg.example/a')).toMatchObject({ out: 'Pulled\nreg.example/a\n' });
    expect((await cli('push reg.example/a:1')).out).toBe('Pushed\n');
    expect((await cli('push -q -a reg.example/a')).out).toBe('reg.example/a\n');
    expect(sent).toEqual([mine, {}, mine, mine, mine]);
    expect(daemon.asked.map(({ query }) => query)).toEqual([
      { fromImage: 'reg.example/a', tag: 'latest' },
      { fromImage: 'nginx', tag: '1', platform: 'linux/arm64' },
      { fromImage: 'reg.example/a' },
      { tag: '1' },
      {},
    ]);
    daemon.on('POST /containers/create', { Id: 'c', Warnings: [] }).on('POST /containers/c/start', undefined);
    await cli('run -d -q --pull always reg.example/a');
    expect(sent.at(-1)).toEqual(mine);
    expect((await cli('push reg.example/a@sha256:1')).err).toMatch(/has a digest/);
    expect((await cli('pull -a reg.example/a:1')).err).toMatch(/-a pulls all tags: write reg.example\/a without one/);
  });

  it('or, where they can’t be had, a pull goes without them, a push does not go', async () => {
    writeFileSync(join(daemon.directory, 'config.json'), '{"credsStore": "gone"}');
    const pulled = await cli('pull -q reg.example/a');
    expect([pulled.code, pulled.err]).toEqual([
      0,
      expect.stringMatching(/^warning: asking reg.example without credentials: cannot run docker-credential-gone/),
    ]);
    expect(await cli('push reg.example/a')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^caravela: cannot run docker-credential-gone/) as string,
    });
  });
});
