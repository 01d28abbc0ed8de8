import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StackBody } from '../../docker-api/stack-types.ts';
import { type Asked, FakeDaemon, refuse, run, type RunOptions } from '../testing.ts';

const IDS = ['a', 'b', 'c'].map((sign) => sign.repeat(64));
const [A, B, C] = IDS as [string, string, string];
const STACK = `
web:
  image: nginx
  group_policy: spread
api:
  image: busybox
  args: sleep 9
  cpus: 0.5
  memory: 64
  cpu_power: high
  group_policy: spread
db:
  image: redis
`;

let daemon: FakeDaemon;
let scratch: string;
let file: string;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
const bodies = (path: string) => daemon.asked.filter((a) => a.path === path).map((a) => JSON.parse(a.body) as StackBody);
const sent = () => bodies('/caravela/v1/stacks')[0] as StackBody;
const write = (text: string): string => {
  writeFileSync(file, text);
  return file;
};

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  scratch = mkdtempSync(join(tmpdir(), 'caravela-stack-'));
  file = join(scratch, 'stack.yml');
  daemon.on('POST /caravela/v1/stacks', {
    parts: [
      { Id: A, Name: 'web', Node: 'n1', Warnings: ['loopback only'] },
      { Id: B, Name: 'api', Node: 'n2', Warnings: [] },
      { Id: C, Name: 'db', Node: 'n1', Warnings: [] },
    ],
  });
  for (const id of IDS) daemon.on(`POST /containers/${id}/start`, undefined).on(`DELETE /containers/${id}`, undefined);
});
afterEach(async () => {
  await daemon.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe('run STACK.yml', () => {
  it('places all at once, starts them in order, and says where they are', async () => {
    expect(await cli(['run', write(STACK)])).toEqual({
      code: 0,
      out: [
        'CONTAINER ID   NAME      NODE',
        'aaaaaaaaaaaa   web       n1',
        'bbbbbbbbbbbb   api       n2',
        'cccccccccccc   db        n1',
        '',
      ].join('\n'),
      err: 'warning: web: loopback only\n',
    });
    expect(daemon.lines).toEqual(['POST /caravela/v1/stacks', ...IDS.map((id) => `POST /containers/${id}/start`)]);
    expect(sent().groups).toEqual([{ name: 'spread', policy: 'spread' }]);
    expect(sent().parts.map(({ name, group }) => [name, group])).toEqual([
      ['web', 'spread'],
      ['api', 'spread'],
      ['db', undefined],
    ]);
    expect(sent().parts[1]?.body).toMatchObject({
      Image: 'busybox',
      Cmd: ['sleep', '9'],
      HostConfig: { NanoCpus: 5e8, Memory: 64 * 2 ** 20, NetworkMode: 'default' },
      Caravela: { Class: 'high' },
    });
    expect(sent().parts[0]?.body).toMatchObject({ Cmd: null });
  });

  it('applies the options of its line to every container', async () => {
    const ran = await cli([
      'run',
      '-d',
      '--network',
      'host',
      '--policy',
      'spread',
      '-e',
      'A=1',
      '-l',
      'x=y',
      '--format',
      '{{.Name}}@{{.Node}}',
      write(STACK),
    ]);
    expect([ran.code, ran.out]).toEqual([0, 'web@n1\napi@n2\ndb@n1\n']);
    for (const { body } of sent().parts) {
      expect(body).toMatchObject({ HostConfig: { NetworkMode: 'host' }, Caravela: { Policy: 'spread' }, Env: ['A=1'], Labels: { x: 'y' } });
    }
    const json = await cli(['run', '--net', 'none', '--format', 'json', write(STACK)]);
    expect(json.out.split('\n')[0]).toBe(JSON.stringify({ Id: A, Name: 'web', Node: 'n1' }));
    expect(bodies('/caravela/v1/stacks')[1]?.parts[0]?.body.HostConfig?.NetworkMode).toBe('none');
  });

  it.each([
    [['--name', 'x'], '--name does not go with the stack file'],
    [['--cpus', '1'], 'a stack file says that for each container: `cpus`'],
    [['-m', '1'], '--memory does not go with'],
    [['--cpu-class', 'high'], '`cpu_power`'],
    [['--cidfile', '/x'], '--cidfile does not go with'],
    [['-p', '80:80'], '--publish does not go with the stack file'],
    [['--ip', '10.0.0.5'], '`ipv4_address` in `networks`'],
    [['--net-alias', 'x'], '`aliases` in `networks`'],
  ])('refuses %j, saying why', async (words, why) => {
    const ran = await cli(['run', ...words, write(STACK)]);
    expect([ran.code, ran.err]).toEqual([125, expect.stringContaining(why)]);
    expect(daemon.lines).toEqual([]);
  });

  it('refuses a command after it, a file that is not there, and one that says nonsense', async () => {
    const create = await cli(['container', 'create', write(STACK)]);
    expect([create.code, create.err]).toEqual([125, expect.stringContaining('is a stack file: `caravela run')]);
    expect((await cli(['run', write(STACK), 'sh'])).err).toContain('"sh" does not go with the stack file');
    const gone = await cli(['run', join(scratch, 'other.yaml')]);
    expect([gone.code, gone.err]).toEqual([125, `caravela: cannot use ${join(scratch, 'other.yaml')}: no such file\n`]);
    const wrong = await cli(['run', write('web:\n  image: x\n  imagee: y')]);
    expect([wrong.code, wrong.err]).toEqual([125, expect.stringContaining(`caravela: ${file}:3: container web: there is no key "imagee"`)]);
    expect(daemon.lines).toEqual([]);
  });

  it('leaves ports to themselves with the host’s network', async () => {
    const ports = (text: string) => write(`web:\n  image: x\n  ports: [${text}]`);
    const moved = await cli(['run', '--network', 'host', ports('"8080:80"')]);
    expect([moved.code, moved.err]).toEqual([
      125,
      expect.stringContaining(
        `${file}:3: container web has the port 8080:80: with the host's network port 80 is 80 on its node, too, and can't be 8080`,
      ),
    ]);
    expect(daemon.lines).toEqual([]);
    expect((await cli(['run', '--network', 'host', ports('"80:80/tcp", 90')])).code).toBe(0);
    expect(sent().parts[0]?.body.HostConfig?.PortBindings).toBeUndefined();
  });

  it('says each warning once', async () => {
    const parts = (...warnings: string[][]) =>
      warnings.map((Warnings, i) => ({ Id: IDS[i], Name: ['web', 'api', 'db'][i], Node: 'n1', Warnings }));
    daemon.on('POST /caravela/v1/stacks', { parts: parts(['x', 'all of us'], ['all of us'], ['all of us', 'x']) });
    expect((await cli(['run', write(STACK)])).err).toBe('warning: web, db: x\nwarning: all 3 containers: all of us\n');
  });

  it('makes nothing where what it is to print can’t be', async () => {
    const ran = await cli(['run', '--format', '{{.Nam}}', write(STACK)]);
    expect([ran.code, ran.err]).toEqual([125, 'caravela: there is no field .Nam; there are ID, Name, Node\n']);
    expect((await cli(['run', '--format', '{{.Name', file])).code).toBe(125);
    expect(daemon.lines).toEqual([]);
    expect((await cli(['run', '--format', 'table {{truncate .ID 4}}\\t{{.Node}}', file])).out).toMatch(/^aaaa +n1$/m);
  });

  it('names file and line where the daemon refuses one of its containers', async () => {
    const message = 'container api: invalid reference format: "UPPER" must have a name of lower-case letters and digits';
    for (const [path, options] of [
      ['/caravela/v1/stacks', []],
      ['/caravela/v1/plan', ['--dry-run']],
    ] as const) {
      daemon.on(`POST ${path}`, (_asked: Asked, response: ServerResponse) => refuse(response, 400, message));
      expect(await cli(['run', ...options, write(STACK)])).toEqual({ code: 125, out: '', err: `caravela: ${file}:5: ${message}\n` });
    }
    expect((await cli(['run', scratch.concat('/dir.yml')])).err).toContain('no such file');
    mkdirSync(join(scratch, 'dir.yml'));
    const directory = await cli(['run', join(scratch, 'dir.yml')]);
    expect([directory.code, directory.err]).toEqual([125, `caravela: cannot use ${join(scratch, 'dir.yml')}: it is a directory\n`]);
  });

  it('is refused with the daemon’s words and 125', async () => {
    const message = 'no node has 9 CPUs and 64 MiB free: of 3 nodes 3 lack CPU';
    daemon.on('POST /caravela/v1/stacks', (_asked: Asked, response: ServerResponse) => refuse(response, 503, message, { placement: {} }));
    expect(await cli(['run', write(STACK)])).toEqual({ code: 125, out: '', err: `caravela: ${message}\n` });
  });

  it('pulls what is missing, each image once', async () => {
    const missing = ['redis', 'nginx'];
    daemon.on('POST /images/create', (asked: Asked, response: ServerResponse) => {
      missing.splice(missing.indexOf(asked.query.fromImage ?? ''), 1);
      response.end('{"status":"done"}\n');
    });
    const placed = daemon.routes.get('POST /caravela/v1/stacks');
    daemon.on('POST /caravela/v1/stacks', (asked: Asked, response: ServerResponse) => {
      const [first] = missing;
      if (first !== undefined) return refuse(response, 404, `container x: No such image: ${first}`, { missingImage: first });
      return placed?.(asked, response);
    });
    const ran = await cli(['run', write(STACK)]);
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('redis is not known here yet: pulling it');
    expect(daemon.lines.filter((line) => line === 'POST /images/create')).toHaveLength(2);

    missing.push('nginx');
    daemon.on('POST /images/create', (_asked: Asked, response: ServerResponse) => response.end('{"status":"done"}\n'));
    const still = await cli(['run', '-q', file]);
    expect([still.code, still.err]).toEqual([125, 'caravela: container x: No such image: nginx\n']);
    expect((await cli(['run', '--pull', 'never', file])).code).toBe(125);
  });

  it('removes all of them where one does not start', async () => {
    daemon.on(`POST /containers/${B}/start`, (_asked: Asked, response: ServerResponse) =>
      refuse(response, 400, 'exec: "x": executable file not found in $PATH'),
    );
    const ran = await cli(['run', write(STACK)]);
    expect([ran.code, ran.out]).toEqual([125, '']);
    expect(ran.err).toContain(
      'caravela: container api on n2 did not start: exec: "x": executable file not found in $PATH; all 3 containers of the stack were removed again\n',
    );
    expect(daemon.lines.slice(-3)).toEqual([C, B, A].map((id) => `DELETE /containers/${id}`));
    expect(daemon.lines).not.toContain(`POST /containers/${C}/start`);

    const three = daemon.routes.get('POST /caravela/v1/stacks');
    daemon.on('POST /caravela/v1/stacks', { parts: [{ Id: B, Name: 'api', Node: 'n2', Warnings: [] }] });
    expect((await cli(['run', file])).err).toMatch(/not found in \$PATH; it was removed again\n$/);
    if (three !== undefined) daemon.routes.set('POST /caravela/v1/stacks', three);

    daemon.on(`DELETE /containers/${A}`, (_asked: Asked, response: ServerResponse) => refuse(response, 503, 'n1 does not answer'));
    daemon.on(`DELETE /containers/${B}`, (_asked: Asked, response: ServerResponse) => refuse(response, 404, 'No such container'));
    const left = await cli(['run', file]);
    expect(left.err).toContain('these containers of the stack could not be removed again: web; end them with `caravela rm -f`');
  });

  it('removes all of them where it is told to end in the middle', async () => {
    let send: (signal: NodeJS.Signals) => void = () => {};
    daemon.on(`POST /containers/${A}/start`, () => {
      send('SIGINT');
    });
    const ran = await cli(['run', write(STACK)], { signals: (sender) => (send = sender) });
    expect([ran.code, ran.err]).toEqual([130, expect.stringContaining('got SIGINT; all 3 containers of the stack were removed again')]);
    expect(daemon.lines.filter((line) => line.endsWith('/start'))).toHaveLength(1);
  });
});

describe('run --dry-run', () => {
  const placement = {
    requestId: '1',
    wanted: { cpuMillicores: 500, memoryBytes: 64 * 2 ** 20 },
    policy: 'binpack',
    buyer: 'x',
    attempts: 1,
    by: 'direct',
    tookMs: 1,
    considered: [
      { nodeId: '3', name: 'n3', accepted: false, reason: 'affinity', detail: 'has a container web already' },
      { nodeId: '2', name: 'n2', accepted: false, detail: '', free: { cpuMillicores: 2000, memoryBytes: 2 ** 30 }, score: 2 },
      { nodeId: '1', name: 'n1', accepted: true, detail: '', free: { cpuMillicores: 1500, memoryBytes: 2 ** 30 }, score: 1.25 },
    ],
    givenUp: ['storage==~ssd'],
  };
  const plan = { parts: [{ Name: 'drawn_name', Group: '', Node: 'n1', Warnings: [], Placement: placement }] };

  it('tells the placement of one container, and asks for nothing else', async () => {
    daemon.on('POST /caravela/v1/plan', plan);
    expect(await cli(['run', '--dry-run', '--cpus', '0.5', '--affinity', 'container!=web', 'img', 'sh'])).toEqual({
      code: 0,
      err: '',
      out: [
        'img would go to n1, policy binpack, and hold 0.5 CPUs and 64MiB.',
        'Given up, as nobody who met it had room: storage==~ssd.',
        'NODE      ANSWER                FREE CPUS   FREE MEMORY   SCORE     DETAIL',
        'n1        accepted              1.5         1GiB          1.25      ',
        'n2        fits, not preferred   2           1GiB          2.00      ',
        'n3        no: affinity                                              has a container web already',
        '',
      ].join('\n'),
    });
    expect(daemon.lines).toEqual(['POST /caravela/v1/plan']);
    expect(bodies('/caravela/v1/plan')[0]).toMatchObject({
      groups: [],
      parts: [{ body: { Image: 'img', Cmd: ['sh'], HostConfig: { NanoCpus: 5e8 }, Caravela: { Affinities: ['container!=web'] } } }],
    });
    expect((await cli(['run', '--dry-run', '--name', 'web', '--format', '{{.Name}} {{.Node}} {{.Placement.by}}', 'img'])).out).toBe(
      'drawn_name n1 direct\n',
    );
    expect(JSON.parse((await cli(['run', '--dry-run', '--format', 'json', 'img'])).out)).toEqual(plan);
  });

  it('tells that of a stack, in short and in full', async () => {
    daemon.on('POST /caravela/v1/plan', {
      parts: ['web', 'api', 'db'].map((Name, i) => ({
        Name,
        Group: i < 2 ? 'spread' : '',
        Node: `n${i}`,
        Warnings: [],
        Placement: placement,
      })),
    });
    const ran = await cli(['run', '--dry-run', write(STACK)]);
    expect(ran.out).toContain(
      'NAME      GROUP     NODE\nweb       spread    n0\napi       spread    n1\ndb                  n2\n\nweb would go to n0,',
    );
    expect(daemon.lines).toEqual(['POST /caravela/v1/plan']);
  });

  it('ends with 125 and the refusal, and with what the nodes answered', async () => {
    const message = 'no node has 64 CPUs free';
    daemon.on('POST /caravela/v1/plan', (_asked: Asked, response: ServerResponse) => refuse(response, 503, message, { placement }));
    const ran = await cli(['run', '--dry-run', 'img']);
    expect([ran.code, ran.err]).toEqual([125, `caravela: ${message}\n`]);
    expect(ran.out).toContain('n3        no: affinity');
    expect(JSON.parse((await cli(['run', '--dry-run', '--format', 'json', 'img'])).out)).toMatchObject({ message });
    daemon.on('POST /caravela/v1/plan', (_asked: Asked, response: ServerResponse) =>
      refuse(response, 404, 'No such image: img:latest', { missingImage: 'img' }),
    );
    expect((await cli(['run', '--dry-run', 'img'])).err).toBe(
      'caravela: No such image: img:latest; a dry run fetches nothing: `caravela pull img` first\n',
    );
    expect(daemon.lines).not.toContain('POST /images/create');
    expect((await cli(['run', '--format', 'json', 'img'])).err).toContain('--format goes with --dry-run and with stack files');
  });
});
