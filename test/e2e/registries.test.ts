/** Registries with TLS and a login, images of several architectures, and nodes that give each other what they have. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianDockerCli } from '../lab/docker-cli.ts';
import { type LabInstance, startInstance } from '../lab/instance.ts';
import { type PrivateRegistry, startPrivateRegistry } from '../lab/private-registry.ts';
import { must, type Outcome, shell } from '../lab/shell.ts';

const DIR = '/tmp/crvreg';
const SCRIPTS = join(import.meta.dirname, '..', '..', 'scripts');
const PUSH_MIXED = join(import.meta.dirname, '..', 'lab', 'push-mixed.ts');

let instance: LabInstance;
let registry: PrivateRegistry;
let cli: string;
/** Where Docker has authorities of registries, and so have we. */
let certificates: string;
/** Was not there before. */
let made: string | undefined;
beforeAll(async () => {
  cli = await debianDockerCli();
  instance = await startInstance({ name: 'crvreg', hosts: 2, dir: DIR, subnet: '10.79.44' });
  registry = await startPrivateRegistry(instance.lab);
  certificates = join('/etc/docker/certs.d', registry.domain);
  made = ['/etc/docker', '/etc/docker/certs.d', certificates].find((dir) => !existsSync(dir));
});
afterAll(async () => {
  await registry?.stop().catch(() => {});
  await instance?.down();
  if (made !== undefined) rmSync(made, { recursive: true, force: true });
});

/** The client of user `who`, each with a home of their own, at host n. */
const env = (n: number, who: string) => {
  const home = join(DIR, who);
  mkdirSync(home, { recursive: true });
  return { DOCKER_HOST: `unix://${instance.lab.host(n).socket}`, HOME: home };
};
const docker = (n: number, who: string, ...words: readonly string[]): Promise<Outcome> => shell([cli, ...words], { env: env(n, who) });
const ok = (n: number, who: string, ...words: readonly string[]): Promise<string> => must([cli, ...words], { env: env(n, who) });
const runAt = (n: number, image: string, ...words: readonly string[]) => [
  'run',
  '--rm',
  '--network',
  'none',
  '-e',
  `constraint:node==host${n}`,
  image,
  ...words,
];

describe('a registry with TLS and a login', () => {
  test('is not spoken to as long as nobody vouches for it', async () => {
    const { code, stderr } = await docker(1, 'me', 'pull', `${registry.domain}/app:1`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/certificate/)]);
    mkdirSync(certificates, { recursive: true });
    copyFileSync(registry.caFile, join(certificates, 'ca.crt'));
    const refused = await docker(1, 'me', 'pull', `${registry.domain}/app:1`);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/wants a user name and password: log in first/)]);
  });

  test('lets in who logged in; what they pushed they run anywhere', async () => {
    const login = (who: string, password: string) =>
      shell([cli, 'login', '-u', registry.user, '--password-stdin', registry.domain], { env: env(1, who), input: password });
    const wrong = await login('me', 'wrong');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/unauthorized/)]);
    expect((await login('me', registry.password)).stdout).toContain('Login Succeeded');
    expect(readFileSync(join(DIR, 'me', '.docker', 'config.json'), 'utf8')).toContain(registry.domain);

    const app = `${registry.domain}/private/app:1`;
    await ok(1, 'me', 'pull', '-q', instance.image);
    await ok(1, 'me', 'tag', instance.image, app);
    const stranger = await docker(1, 'stranger', 'push', app);
    expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringMatching(/wants a user name and password: log in first/)]);
    expect(await ok(1, 'me', 'push', app)).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+$/);
    await ok(1, 'me', 'rmi', app);
    expect((await docker(1, 'stranger', 'pull', app)).code).toBe(1);
    // A command of ours reads the same file.
    expect(await instance.lab.host(1).ok(['pull', app], { env: { HOME: join(DIR, 'me') } })).toContain('app:1');
    expect(await ok(1, 'me', ...runAt(2, app, 'echo', 'of its own'))).toBe('of its own');
    expect(await ok(1, 'me', 'logout', registry.domain)).toContain('Removing login credentials');
    await ok(1, 'me', 'rmi', app);
    expect((await docker(1, 'me', 'pull', app)).code).toBe(1);
  });
});

describe('an image of several architectures', () => {
  const here = process.arch === 'x64' ? 'amd64' : process.arch;
  const other = here === 'amd64' ? 'arm64' : 'amd64';
  let mixed: string;
  beforeAll(async () => {
    mixed = `${instance.lab.bridgeIp}:5000/mixed:1`;
    // Nobody outside of the lab reaches its registry.
    await must(['nsenter', `--net=/run/netns/${instance.lab.switchNetns}`, process.execPath, PUSH_MIXED, `http://${mixed}`]);
  });

  test('is each node’s own where nobody says which', async () => {
    for (const n of [1, 2]) expect(await ok(1, 'me', ...runAt(n, mixed, 'cat', '/etc/architecture'))).toBe(here);
  });

  test('can be had for another, to look at; and says where it can’t run', async () => {
    await ok(1, 'me', 'pull', '--platform', `linux/${other}`, mixed);
    expect(await ok(1, 'me', 'image', 'inspect', '--format', '{{.Os}}/{{.Architecture}}', mixed)).toBe(`linux/${other}`);
    const refused = await docker(1, 'me', 'run', '--rm', '--network', 'none', '--platform', `linux/${other}`, mixed, 'true');
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining(other)]);
    const absent = await docker(1, 'me', 'pull', '--platform', 'linux/s390x', mixed);
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringMatching(/no matching manifest for linux\/s390x/)]);
    await ok(1, 'me', 'pull', '--platform', `linux/${here}`, mixed);
    expect(await ok(1, 'me', ...runAt(1, mixed, 'cat', '/etc/architecture'))).toBe(here);
  });
});

describe('without its registry', () => {
  test('an image that one node has runs on all', async () => {
    const copy = `${instance.lab.bridgeIp}:5000/only/here:1`;
    await ok(1, 'me', 'tag', instance.tools, copy).catch(async () => {
      await ok(1, 'me', 'pull', '-q', instance.tools);
      await ok(1, 'me', 'tag', instance.tools, copy);
    });
    for (const pid of (await must(['ip', 'netns', 'pids', instance.lab.switchNetns])).split('\n')) process.kill(Number(pid), 'SIGKILL');
    expect((await docker(2, 'me', 'pull', instance.tools)).code).toBe(1);
    expect(await ok(2, 'me', ...runAt(2, copy, 'getent', 'passwd', 'root'))).toContain('root');
    const archive = join(DIR, 'loaded.tar');
    await must([process.execPath, join(SCRIPTS, 'make-image.ts'), '--output', archive, '--tag', 'loaded:1', '--with', '/usr/bin/env']);
    await ok(1, 'me', 'load', '-i', archive);
    expect(await ok(2, 'me', ...runAt(2, 'loaded:1', 'echo', 'from a peer'))).toBe('from a peer');
  });
});
