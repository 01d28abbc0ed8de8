import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { parseReference } from '../parse/reference.ts';
import { authHeader, authHeadersFor } from './auth-header.ts';
import { parseConfig } from './config-file.ts';
import { registryKey } from './registry-key.ts';
import { CredentialStore, decode } from './store.ts';

const HUB = 'https://index.docker.io/v1/';
let directory: string;
let env: Record<string, string>;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'caravela-credentials-'));
  mkdirSync(join(directory, 'bin'));
  env = { DOCKER_CONFIG: directory, PATH: `${join(directory, 'bin')}:${process.env.PATH ?? ''}` };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = () => join(directory, 'config.json');
const write = (config: unknown) => writeFileSync(file(), JSON.stringify(config));
const read = () => JSON.parse(readFileSync(file(), 'utf8')) as Record<string, unknown>;
const store = () => CredentialStore.open(env);
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A helper that keeps what it is given in a file, a line each. */
function installHelper(name: string, script: string): void {
  const path = join(directory, 'bin', `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
const KEEPER =
  'kept="$DOCKER_CONFIG/kept"; case "$1" in get) read -r url; [ -e "$kept" ] && cat "$kept" || { echo "credentials not found in native keychain"; exit 1; };; store) cat > "$kept";; erase) rm -f "$kept";; esac';

describe('credentials in the file', () => {
  it('are found by the registry, however it was written', async () => {
    write({
      auths: {
        [HUB]: { auth: base64('me:se:cret') },
        'https://reg.example:5000/v2/': { auth: base64('you:x') },
        'tok.example': { auth: base64('t:'), identitytoken: 'ID' },
      },
    });
    expect(await (await store()).get('docker.io')).toEqual({ username: 'me', password: 'se:cret', serveraddress: HUB });
    expect(await (await store()).get('reg.example:5000')).toEqual({ username: 'you', password: 'x', serveraddress: 'reg.example:5000' });
    expect(await (await store()).get('tok.example')).toEqual({ username: 't', identitytoken: 'ID', serveraddress: 'tok.example' });
    expect(await (await store()).get('other.example')).toBeUndefined();
  });

  it('are written for their owner only, or where they were, and nothing else is touched', async () => {
    write({ HttpHeaders: { A: 'b' }, auths: { 'https://reg.example/v1/': { auth: base64('old:old') } } });
    renameSync(file(), join(directory, 'elsewhere.json'));
    symlinkSync('elsewhere.json', file());
    chmodSync(join(directory, 'elsewhere.json'), 0o640);
    await (await store()).set('reg.example', { username: 'me', password: 'secret' });
    expect(read()).toEqual({ HttpHeaders: { A: 'b' }, auths: { 'reg.example': { auth: base64('me:secret') } } });
    expect(statSync(file()).mode & 0o777).toBe(0o640);
    expect(lstatSync(file()).isSymbolicLink()).toBe(true);
    expect(await (await store()).erase('https://reg.example')).toBe(true);
    expect(read()).toEqual({ HttpHeaders: { A: 'b' }, auths: {} });
    expect(await (await store()).erase('reg.example')).toBe(false);
    rmSync(file());
    await (await store()).set('', { username: 'me', password: '', identitytoken: 'ID' });
    expect(read()).toEqual({ auths: { [HUB]: { auth: base64('me:'), identitytoken: 'ID' } } });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('that can’t be read are said to be so', async () => {
    writeFileSync(file(), '{');
    await expect(store()).rejects.toThrow(/config.json is not JSON/);
    write({ auths: [] });
    await expect(store()).rejects.toThrow(/auths should be an object/);
    write({ auths: { 'reg.example': { auth: base64('no colon') } } });
    await expect((await store()).get('reg.example')).rejects.toThrow(
      /the auth of "reg.example" in .* is not base64 of USER:PASSWORD: log in anew/,
    );
  });
});

describe('credential helpers', () => {
  it('keep all, or those of one registry', async () => {
    installHelper('keeper', KEEPER);
    write({ credsStore: 'keeper' });
    expect(await (await store()).get('reg.example')).toBeUndefined();
    await (await store()).set('reg.example', { username: 'me', password: 'secret' });
    expect(read()).toEqual({ credsStore: 'keeper', auths: { 'reg.example': {} } });
    expect(JSON.parse(readFileSync(join(directory, 'kept'), 'utf8'))).toEqual({
      ServerURL: 'reg.example',
      Username: 'me',
      Secret: 'secret',
    });
    expect(await (await store()).get('reg.example')).toEqual({ username: 'me', password: 'secret', serveraddress: 'reg.example' });
    await (await store()).set('reg.example', { username: 'me', identitytoken: 'ID' });
    expect(await (await store()).get('reg.example')).toEqual({ identitytoken: 'ID', serveraddress: 'reg.example' });
    expect((await store()).isPlain('reg.example')).toBe(false);
    expect(await (await store()).erase('reg.example')).toBe(true);
    expect(await (await store()).erase('reg.example')).toBe(false);
    write({ credHelpers: { 'docker.io': 'keeper' }, auths: { 'reg.example': { auth: base64('a:b') } } });
    expect((await store()).isPlain('docker.io')).toBe(false);
    expect(await (await store()).get('docker.io')).toBeUndefined();
    expect(await (await store()).get('reg.example')).toMatchObject({ username: 'a' });
  });

  it.each([
    ['echo "no keyring"; exit 1', /docker-credential-odd get failed: no keyring/],
    ['exit 3', /docker-credential-odd get failed: it ended with 3/],
    ['echo hello', /answered with no credentials/],
    ['echo "{\\"Username\\": 1}"', /answered with no credentials/],
    ['yes', /more than 1048576 bytes/],
  ])('that do otherwise are named: %s', async (script, why) => {
    installHelper('odd', script);
    write({ credsStore: 'odd' });
    await expect((await store()).get('reg.example')).rejects.toThrow(why);
  });

  it('that are not there, or can’t be', async () => {
    write({ credsStore: 'gone' });
    await expect((await store()).get('x.example')).rejects.toThrow(/cannot run docker-credential-gone, .* it is not in PATH/);
    write({ credsStore: '../../evil' });
    await expect((await store()).get('x.example')).rejects.toThrow(/is no name of a credential helper/);
  });
});

describe('names', () => {
  it('of registries', () => {
    for (const name of ['', 'docker.io', 'index.docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io'])
      expect(registryKey(name)).toBe(HUB);
    expect(registryKey('https://reg.example:5000/v2/')).toBe('reg.example:5000');
  });

  it('of images say their registry', () => {
    const placed = (text: string) => [parseReference(text).registry, parseReference(text).fullName];
    expect(placed('nginx')).toEqual(['docker.io', 'docker.io/library/nginx']);
    expect(placed('me/nginx:1')).toEqual(['docker.io', 'docker.io/me/nginx']);
    expect(placed('localhost/nginx@sha256:ff')).toEqual(['localhost', 'localhost/nginx']);
    expect(placed('reg:5000/a/b:1@sha256:ff')).toEqual(['reg:5000', 'reg:5000/a/b']);
    expect(placed('index.docker.io/nginx')).toEqual(['docker.io', 'docker.io/library/nginx']);
    for (const wrong of ['', ':1', 'a:', 'a@', 'a b']) expect(() => parseReference(wrong)).toThrow(/is no reference/);
  });
});

describe('what others may have written', () => {
  it('gives Failures at most', () => {
    const tame = (work: () => unknown): void => {
      try {
        work();
      } catch (error) {
        expect(error instanceof Failure || error instanceof RangeError).toBe(true);
      }
    };
    fc.assert(fc.property(fc.string(), (text) => tame(() => parseConfig(text, 'x'))));
    fc.assert(fc.property(fc.jsonValue(), (value) => tame(() => parseConfig(JSON.stringify(value), 'x'))));
    fc.assert(
      fc.property(fc.record({ auths: fc.dictionary(fc.string(), fc.jsonValue()), credHelpers: fc.jsonValue() }), (value) =>
        tame(() => parseConfig(JSON.stringify(value), 'x')),
      ),
    );
    fc.assert(fc.property(fc.string(), (auth) => tame(() => decode({ auth }, 'x', 'y'))));
    fc.assert(fc.property(fc.string(), (text) => tame(() => parseReference(text))));
  });

  it('comes back as it was kept', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((name) => name !== '' && !name.includes(':')),
        fc.string({ unit: 'grapheme' }).filter((p) => !p.endsWith('\0') && p !== ''),
        (username, password) => {
          expect(decode({ auth: base64(`${username}:${password}`) }, 'k', 'p')).toEqual({ username, password, serveraddress: 'k' });
        },
      ),
    );
  });
});

describe('the header', () => {
  it('is base64url of JSON, with padding', async () => {
    const auth = { username: 'ü??>>', password: 'p' };
    const header = authHeader(auth)['X-Registry-Auth'] ?? '';
    expect(header).toMatch(/^[A-Za-z0-9_-]+=*$/);
    expect(header.length % 4).toBe(0);
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual(auth);
    expect(await authHeadersFor(env, 'nginx')).toEqual({ 'X-Registry-Auth': 'e30=' });
  });
});
