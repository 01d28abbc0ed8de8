import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS, GROUPS } from './registry.ts';
import { FakeDaemon, refuse, run } from './testing.ts';

let daemon: FakeDaemon;
const cli = (...argv: string[]) => run(['--host', `unix://${daemon.socket}`, ...argv]);
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
});
afterEach(() => daemon.close());

describe('the command line', () => {
  it('tells its version and its commands', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: 'caravela version 1.2.3\n', err: '' });
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    const listed = Object.keys(COMMANDS).filter((name) => help.out.includes(`\n  ${name} `));
    expect(listed).toEqual(Object.keys(COMMANDS).filter((name) => COMMANDS[name]?.hidden !== true));
    expect((await run([])).out).toBe(help.out);
  });

  it.each([
    ...Object.keys(COMMANDS),
    ...Object.entries(GROUPS).flatMap(([group, verbs]) => Object.keys(verbs).map((verb) => `${group} ${verb}`)),
  ])('%s has help', async (name) => {
    const help = await run([...name.split(' '), '--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain(`Usage: caravela ${name}`.replace(/ (ls|list|rm)$/, ''));
    if (!name.includes(' ')) expect(await run(['help', name])).toEqual(help);
  });

  it('says what is wrong with a line, and how to go on', async () => {
    const unknown = { code: 1, out: '', err: 'caravela: "frobnicate" is no command; see `caravela --help`\n' };
    expect(await run(['frobnicate'])).toEqual(unknown);
    expect(await run(['frobnicate', 'web', '-x'])).toEqual(unknown);
    expect((await run(['build', '.'])).err).toMatch(/^caravela: "build" is no command here: images are built elsewhere/);
    expect(await run(['ps', '--bogus'])).toEqual({
      code: 125,
      out: '',
      err: "caravela: unknown option '--bogus'; see `caravela ps --help`\n",
    });
    expect((await run(['container', 'fly'])).err).toMatch(/^caravela: container needs one of create, run, ps/);
    const group = await run(['container', '--help']);
    expect(group).toMatchObject({ code: 0, err: '' });
    expect(group.out).toMatch(/Usage: caravela container .*\n {2}exec +run a command in a running container\n/s);
    expect(await run(['container'])).toMatchObject({ code: 1, err: group.out });
    expect((await run(['help', 'container'])).out).toBe(group.out);
    expect(await run(['stop'])).toMatchObject({
      code: 125,
      err: "caravela: missing required argument 'container'; see `caravela stop --help`\n",
    });
    expect((await run(['network', 'create'])).err).toBe(
      "caravela: missing required argument 'name'; see `caravela network create --help`\n",
    );
    expect((await run(['run', '-m', 'lots', 'img'])).err).toMatch(/'-m, --memory <size>' argument 'lots' is invalid. "lots" is not a size/);
    expect((await run(['--host', 'ftp://x', 'ps'])).err).toMatch(/"ftp:\/\/x" is none of unix:/);
  });

  it('says that no daemon runs, and how one comes to run', async () => {
    const said =
      'caravela: cannot reach the daemon at /nowhere/caravela.sock: is it running? start it with `caravela daemon`, or make an instance with `caravela create`\n';
    expect(await run(['ps', '--run-dir', '/nowhere'])).toEqual({ code: 1, out: '', err: said });
    expect(await run(['ps'], { env: { CARAVELA_RUN_DIR: '/nowhere' } })).toEqual({ code: 1, out: '', err: said });
    expect(await run(['run', '--run-dir=/nowhere', 'img'])).toEqual({ code: 125, out: '', err: said });
    expect((await run(['ps'], { env: { CARAVELA_HOST: 'tcp://127.0.0.1:1' } })).err).toContain('cannot reach the daemon at 127.0.0.1:1');
  });
});

const row = {
  Id: 'a'.repeat(64),
  Names: ['/web'],
  Image: 'busybox:1',
  ImageID: 'sha256:b',
  Command: 'sh -c "sleep 1000; echo done"',
  Created: Math.floor(Date.now() / 1_000) - 200,
  State: 'running',
  Status: 'Up 3 minutes',
  Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
  Labels: { 'caravela.node': 'node-2', shop: 'porto' },
  HostConfig: { NetworkMode: 'none' },
  NetworkSettings: { Networks: {} },
  Mounts: [],
};

describe('ps', () => {
  it("prints Docker's columns, and the node", async () => {
    daemon.on('GET /containers/json', [row]);
    const { code, out, err } = await cli('ps');
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NODE', 'NAMES'],
      [
        'a'.repeat(12),
        'busybox:1',
        String.raw`"sh -c \"sleep 1000; …"`,
        '3 minutes ago',
        'Up 3 minutes',
        '0.0.0.0:8080->80/tcp',
        'node-2',
        'web',
      ],
      [''],
    ]);
    expect((await cli('container', 'ps')).out).toBe(out);
  });

  it('prints what is asked for', async () => {
    daemon.on('GET /containers/json', [row]);
    expect((await cli('ps', '-q')).out).toBe(`${'a'.repeat(12)}\n`);
    expect((await cli('ps', '-q', '--no-trunc')).out).toBe(`${row.Id}\n`);
    expect((await cli('ps', '--format', '{{.Names}} {{.Node}} {{.Label "shop"}}')).out).toBe('web node-2 porto\n');
    expect((await cli('ps', '--format', 'table {{.Names}}\\t{{.State}}')).out).toBe('NAMES     STATE\nweb       running\n');
    expect(JSON.parse((await cli('ps', '--format', 'json')).out)).toMatchObject({ Names: 'web', State: 'running', Node: 'node-2' });
    expect(await cli('ps', '--format', '{{.Bogus}}')).toMatchObject({ code: 1, out: '' });
  });

  it('asks for what is asked for', async () => {
    daemon.on('GET /containers/json', []);
    await cli('ps', '-a', '--filter', 'status=exited', '--filter', 'status=running', '--filter', 'label=a=b', '-n', '3');
    await cli('ps', '-l');
    await cli('ps');
    expect(daemon.asked.map((a) => a.query)).toEqual([
      { all: '1', limit: '3', filters: '{"status":["exited","running"],"label":["a=b"]}' },
      { limit: '1' },
      {},
    ]);
  });

  it('never shows part of the instance as if it were all of it', async () => {
    daemon.on('GET /containers/json', (_asked: unknown, response: import('node:http').ServerResponse) => {
      response.setHeader('Caravela-Unreachable', 'node-2');
      return [];
    });
    expect((await cli('ps', '-q')).err).toBe('warning: node-2 did not answer; its containers are not shown\n');
    daemon.on('GET /images/json', (_asked: unknown, response: import('node:http').ServerResponse) => {
      response.setHeader('Caravela-Unreachable', 'node-2, node-3');
      return [];
    });
    expect((await cli('images')).err).toBe('warning: node-2, node-3 did not answer; their images are not shown\n');
  });
});

describe('verbs on containers', () => {
  it('do each, print each, and fail where one failed', async () => {
    daemon.on('POST /containers/a/stop', undefined).on('POST /containers/c/stop', undefined);
    expect(await cli('stop', '-t', '2', 'a', 'b', 'c')).toEqual({
      code: 1,
      out: 'a\nc\n',
      err: 'caravela: no such thing: /containers/b/stop\n',
    });
    expect(daemon.asked[0]?.query).toEqual({ t: '2' });
    daemon.on('DELETE /containers/a', undefined).on('POST /containers/a/kill', undefined).on('POST /containers/a/start', undefined);
    expect(await cli('rm', '-f', 'a')).toEqual({ code: 0, out: 'a\n', err: '' });
    expect(await cli('kill', '-s', 'HUP', 'a')).toEqual({ code: 0, out: 'a\n', err: '' });
    expect(await cli('container', 'start', 'a')).toEqual({ code: 0, out: 'a\n', err: '' });
    expect(daemon.asked.slice(3).map((a) => a.query)).toEqual([{ force: '1' }, { signal: 'HUP' }, {}]);
    daemon.on('POST /containers/a/restart', undefined);
    expect(await cli('restart', '-t', '1', 'a')).toEqual({ code: 0, out: 'a\n', err: '' });
    expect(daemon.asked.at(-1)?.query).toEqual({ t: '1' });
    daemon.on('POST /containers/a/wait', { StatusCode: 3 });
    expect(await cli('wait', 'a')).toEqual({ code: 0, out: '3\n', err: '' });
  });

  it('inspect finds containers, then images, then networks', async () => {
    daemon.on('GET /containers/web/json', { Id: '1', State: { Status: 'running' } }).on('GET /images/web/json', { Id: 'sha256:9' });
    daemon.on('GET /images/library/x:1/json', { Id: 'sha256:2' });
    expect(JSON.parse((await cli('inspect', 'web', 'library/x:1')).out)).toEqual([
      { Id: '1', State: { Status: 'running' } },
      { Id: 'sha256:2' },
    ]);
    expect((await cli('inspect', '-f', '{{.State.Status}}', 'web')).out).toBe('running\n');
    expect((await cli('image', 'inspect', '-f', '{{.Id}}', 'web')).out).toBe('sha256:9\n');
    daemon.on('GET /networks/blue', { Name: 'blue' });
    expect((await cli('inspect', '-f', '{{.Name}}', 'blue')).out).toBe('blue\n');
    expect(await cli('inspect', 'none')).toEqual({
      code: 1,
      out: '[]\n',
      err: 'caravela: there is no container, image, network or volume none\n',
    });
    daemon.on('GET /containers/far/json', (_asked: unknown, response: import('node:http').ServerResponse) =>
      refuse(response, 503, 'node-2 did not answer'),
    );
    expect(await cli('inspect', 'far')).toMatchObject({ code: 1, err: 'caravela: node-2 did not answer\n' });
  });
});

describe('our own', () => {
  it('nodes: a table, and the API rows as JSON', async () => {
    const node = {
      id: 'f'.repeat(32),
      name: 'b',
      address: '10.0.0.2:8001',
      state: 'alive',
      class: 'low',
      arch: 'amd64',
      labels: { zone: 'x' },
      cpus: { capacity: 4000, reserved: 250 },
      memory: { capacity: 2 ** 31, reserved: 2 ** 26 },
      containers: 3,
      version: '1.2.3',
      role: 'none',
    };
    daemon.on('GET /caravela/v1/nodes', [node, { ...node, name: 'a', state: 'dead', containers: -1 }]);
    const lines = (await cli('nodes')).out.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines[1]).toEqual(['a', '10.0.0.2:8001', 'dead', '-', 'low', 'amd64', '? / 4', '? / 2GiB', '?', '1.2.3']);
    expect(lines[2]?.slice(0, 9)).toEqual(['b', '10.0.0.2:8001', 'alive', '-', 'low', 'amd64', '0.25 / 4', '64MiB / 2GiB', '3']);
    expect(
      (await cli('nodes', 'ls', '--format', 'json')).out
        .trim()
        .split('\n')
        .map((l) => JSON.parse(l) as object)[1],
    ).toEqual(node);
    expect((await cli('nodes', '--format', '{{.Name}} {{.Label "zone"}}')).out).toBe('a x\nb x\n');
  });

  it('tokens', async () => {
    daemon.on('POST /caravela/v1/tokens', { id: 'abc', token: 'crvl1.x.y', createdAtMs: 0, expiresAtMs: 1, singleUse: true, used: false });
    expect((await cli('token', 'create', '--ttl', '1h30m', '--single-use')).out).toBe('crvl1.x.y\n');
    expect(JSON.parse(daemon.asked[0]?.body ?? '')).toEqual({ ttlSeconds: 5_400, singleUse: true });
    expect(JSON.parse((await cli('token', 'create', '--format', 'json')).out)).toMatchObject({ token: 'crvl1.x.y' });
    expect(JSON.parse(daemon.asked[1]?.body ?? '')).toEqual({ ttlSeconds: 86_400, singleUse: false });
    expect((await cli('token', 'create', '--ttl', 'soon')).err).toMatch(/"soon" is not a duration/);
    daemon.on('GET /caravela/v1/tokens', [{ id: 'abc', createdAtMs: Date.now() - 60_000, expiresAtMs: 5, singleUse: true, used: false }]);
    expect((await cli('token', 'ls')).out).toMatch(/^ID +CREATED +EXPIRES.*\nabc +About a minute ago +expired +true/);
    daemon.on('DELETE /caravela/v1/tokens/abc', undefined);
    expect(await cli('token', 'rm', 'abc')).toEqual({ code: 0, out: 'abc\n', err: '' });
  });

  it('explain', async () => {
    daemon.on('GET /caravela/v1/explain/web', {
      requestId: 'r',
      wanted: { cpuMillicores: 500, memoryBytes: 2 ** 25 },
      policy: 'binpack',
      buyer: 'b1',
      buyerName: 'node-1',
      supplier: 's1',
      supplierName: 'node-2',
      attempts: 1,
      by: 'direct',
      tookMs: 4,
      considered: [
        { nodeId: 's1', name: 'node-2', accepted: true, detail: '', free: { cpuMillicores: 2000, memoryBytes: 2 ** 30 }, score: -1.5 },
        { nodeId: 's2', name: 'node-3', accepted: false, reason: 'memory', detail: '12 MiB free' },
      ],
    });
    const { out } = await cli('explain', 'web');
    expect(out).toContain('web was placed on node-2, asked for on node-1: found by asking every node in 4 ms, 1 attempt, policy binpack.');
    expect(out).toMatch(/node-2 +accepted +2 +1GiB +-1\.50/);
    expect(out).toMatch(/node-3 +no: memory .*12 MiB free/);
    expect((await cli('explain', 'web', '--format', '{{.supplierName}}')).out).toBe('node-2\n');
  });
});
