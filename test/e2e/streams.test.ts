/** Streams over a node in between: their end when a node dies, and containers that nobody listens to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianDockerCli } from '../lab/docker-cli.ts';
import { allAlive, type LabInstance, startInstance } from '../lab/instance.ts';
import { must, until } from '../lab/shell.ts';
import { UnixClient } from '../lab/unix-client.ts';

const DIR = '/tmp/crvstr';
/** Of suspicion and its confirmation, as a node that loses its cable is found out, with what a busy machine adds. */
const DETECTED_MS = 20_000;

let instance: LabInstance;
let cli: string;
let client: UnixClient;
beforeAll(async () => {
  cli = await debianDockerCli();
  instance = await startInstance({ name: 'crvstr', hosts: 3, dir: DIR, subnet: '10.79.45' });
  client = new UnixClient(instance.lab.host(1).socket, 4);
  for (const n of [1, 2, 3]) await instance.lab.host(n).ok(['pull', instance.image]);
});
afterAll(async () => {
  client?.close();
  await instance?.down();
});

const env = () => ({ DOCKER_HOST: `unix://${instance.lab.host(1).socket}`, HOME: DIR });
const docker = (...words: readonly string[]) => must([cli, ...words], { env: env() });
/** `docker run -d` on host n. */
const start = (n: number, name: string, ...command: readonly string[]) =>
  docker('run', '-d', '--network', 'none', '--name', name, '-e', `constraint:node==host${n}`, instance.image, ...command);

const SCRIPT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done';

describe('a node that dies', () => {
  test('ends every stream from it, and the asked node serves on', async () => {
    await start(2, 'far', 'sh', '-c', SCRIPT);
    const views: readonly (readonly string[])[] = [
      ['logs', '-f', 'far'],
      ['attach', '--sig-proxy=false', 'far'],
      ['exec', 'far', 'sh', '-c', SCRIPT],
      ['stats', 'far'],
    ];
    const viewers = views.map((words) => spawn(cli, words, { env: { ...process.env, ...env() }, stdio: ['ignore', 'pipe', 'pipe'] }));
    try {
      await Promise.all(viewers.map((viewer) => once(viewer.stdout, 'data')));
      const ends = viewers.map((viewer) => ended(viewer));
      const waiting = client.call('POST', '/containers/far/wait').then(
        ({ status, body }) => `${status} ${body}`,
        () => 'cut off',
      );
      await instance.lab.cable(instance.lab.host(2), false);
      const began = performance.now();
      const codes = await Promise.all(ends.slice(0, 3));
      const tookMs = performance.now() - began;
      expect(tookMs).toBeLessThan(DETECTED_MS);
      expect(codes[2]).not.toBe(0);
      expect(await waiting).toMatch(/^cut off$|^503 .*host2/);
      expect(await docker('run', '--rm', '--network', 'none', '-e', 'constraint:node==host3', instance.image, 'echo', 'on')).toBe('on');
    } finally {
      for (const viewer of viewers) viewer.kill('SIGKILL');
      await instance.lab.cable(instance.lab.host(2), true);
    }
    await allAlive(instance.lab.host(1), 3);
    await until('it to be seen again', async () => (await docker('ps', '-q', '--filter', 'name=far')) !== '', 30_000);
    await docker('rm', '-f', 'far');
  });
});

/** More than all buffers between a container and who does not read. */
const MUCH = 'head -c 20000000 /dev/zero | tr "\\\\0" x | fold -w 100';

describe.each([
  ['here', 1],
  ['on another node', 2],
])('a viewer that takes nothing of a container %s', (_, n) => {
  const sockets: Socket[] = [];
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
  });
  /** Asks, and never reads. */
  async function deaf(method: string, path: string, body = ''): Promise<Socket> {
    const socket = connect(instance.lab.host(1).socket);
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.pause();
    const type = body === '' ? '' : 'Content-Type: application/json\r\n';
    const upgrade = method === 'POST' ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : '';
    socket.write(`${method} /v1.41${path} HTTP/1.1\r\nHost: x\r\n${upgrade}${type}Content-Length: ${body.length}\r\n\r\n${body}`);
    return socket;
  }

  test('does not hold it up, by attach nor by logs', async () => {
    const name = `writer${n}`;
    await docker(
      'create',
      '-i',
      '--network',
      'none',
      '--name',
      name,
      '-e',
      `constraint:node==host${n}`,
      instance.image,
      'sh',
      '-c',
      `read go; ${MUCH}`,
    );
    await deaf('POST', `/containers/${name}/attach?stream=1&stdout=1&stderr=1`);
    await docker('start', name);
    await deaf('GET', `/containers/${name}/logs?follow=1&stdout=1`);
    const go = spawn(cli, ['attach', name], { env: { ...process.env, ...env() }, stdio: ['pipe', 'ignore', 'ignore'] });
    go.stdin.write('go\n');
    expect(await docker('wait', name)).toBe('0');
    go.kill('SIGKILL');
    expect(await docker('logs', '--tail', '1', name)).toMatch(/^x+$/);
    await docker('rm', name);
  });

  test('does not hold up what it runs in it', async () => {
    const name = `host${n}`;
    await start(n, name, 'sleep', '1000');
    const exec = JSON.stringify({ AttachStdout: true, AttachStderr: true, Cmd: ['sh', '-c', `${MUCH}; touch /tmp/written`] });
    const { Id } = JSON.parse((await client.ok('POST', `/v1.41/containers/${name}/exec`, JSON.parse(exec) as object)).body) as {
      Id: string;
    };
    await deaf('POST', `/exec/${Id}/start`, '{"Detach":false,"Tty":false}');
    await until('its end', async () => (await exitCode(Id)) === 0, 30_000);
    await docker('exec', name, 'test', '-e', '/tmp/written');
    await docker('rm', '-f', name);
  });
});

async function exitCode(exec: string): Promise<number | null> {
  return (JSON.parse((await client.ok('GET', `/v1.41/exec/${exec}/json`)).body) as { readonly ExitCode: number | null }).ExitCode;
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}
