import { describe, expect, it } from 'vitest';
import { UNREACHABLE_HEADER } from '../docker-api/caravela-types.ts';
import { type ContainerInspect, type ContainerSummary, type Info, NODE_LABEL } from '../docker-api/types.ts';
import { containerId } from '../core/model/index.ts';
import { ImageError } from '../engine/port.ts';
import { FakeInstance, type FakeNode } from './fake-instance.test-helper.ts';

const get = (node: FakeNode, url: string, headers: Record<string, string> = {}) => node.api.app.inject({ url, headers });
const post = (node: FakeNode, url: string, payload?: object) =>
  node.api.app.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) });
const message = (response: { json(): unknown }): string => (response.json() as { message: string }).message;
const silent = (response: { headers: Record<string, unknown> }): unknown => response.headers[UNREACHABLE_HEADER.toLowerCase()];

describe('the instance as one Docker', () => {
  it('answers ping and version with and without a version in the path, and refuses versions it does not speak', async () => {
    const instance = await FakeInstance.of('node-1');
    const node = instance.node('node-1');
    for (const url of ['/_ping', '/v1.24/_ping', '/v1.47/_ping']) {
      const response = await get(node, url);
      expect(response.body).toBe('OK');
      expect(response.headers).toMatchObject({ 'api-version': '1.47', ostype: 'linux', 'docker-experimental': 'false' });
    }
    expect((await node.api.app.inject({ method: 'HEAD', url: '/_ping' })).statusCode).toBe(200);
    expect((await get(node, '/v1.41/version')).json()).toMatchObject({
      Version: '0.1.0',
      ApiVersion: '1.47',
      MinAPIVersion: '1.24',
      Arch: 'amd64',
    });
    const tooNew = await get(node, '/v1.48/version');
    expect(tooNew.statusCode).toBe(400);
    expect(message(tooNew)).toBe('client version 1.48 is too new. Maximum supported API version is 1.47');
    const old = await get(node, '/v1.23/version');
    expect([old.statusCode, old.headers['content-type'], old.body]).toEqual([
      400,
      'text/plain; charset=utf-8',
      'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n',
    ]);
    expect((await get(node, '/nonsense')).json()).toEqual({ message: 'page not found' });
    const build = await post(node, '/build', {});
    expect([build.statusCode, message(build)]).toEqual([501, expect.stringContaining('builds none')]);
    for (const path of ['/swarm', '/services', '/nodes/abc', '/tasks']) expect((await get(node, path)).statusCode).toBe(503);
    const left = await post(node, '/swarm/leave?force=1');
    expect([left.statusCode, message(left)]).toEqual([503, expect.stringContaining('This node is not part of a swarm')]);
    expect((await post(node, '/swarm/init', {})).statusCode).toBe(501);
  });

  it('lists the containers of all nodes, says where each is, and names who did not answer', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2', 'node-3', 'node-4');
    const image = instance.node('node-1').images.put('docker.io/library/busybox:latest', '7');
    instance.node('node-1').put('one', {
      state: 'running',
      spec: { command: ['sh', '-c', 'echo hi'], image: { reference: 'docker.io/library/busybox:latest', digest: image.digest } },
    });
    instance.node('node-2').put('two', { state: 'running', spec: { labels: { app: 'web' } } });
    instance.node('node-2').put('old', { state: 'exited', exitCode: 3 });
    const asked = instance.node('node-1');
    const names = async (url: string): Promise<string[]> =>
      (await get(asked, url))
        .json<ContainerSummary[]>()
        .map((c) => c.Names[0] ?? '')
        .sort();

    const list = await get(asked, '/containers/json');
    expect(new Map(list.json<ContainerSummary[]>().map((c) => [c.Names[0], c.Labels[NODE_LABEL]]))).toEqual(
      new Map([
        ['/one', 'node-1'],
        ['/two', 'node-2'],
      ]),
    );
    expect(list.json<ContainerSummary[]>().find((c) => c.Names[0] === '/one')?.Command).toBe("sh -c 'echo hi'");
    expect(silent(list)).toBeUndefined();
    expect(await names('/containers/json?all=1')).toEqual(['/old', '/one', '/two']);
    expect(await names(`/containers/json?filters=${encodeURIComponent('{"label":["app=web"]}')}`)).toEqual(['/two']);
    expect(await names(`/containers/json?filters=${encodeURIComponent('{"exited":["3"]}')}`)).toEqual(['/old']);
    expect(await names(`/containers/json?filters=${encodeURIComponent('{"node":["node-2"]}')}`)).toEqual(['/two']);
    expect(await names(`/containers/json?filters=${encodeURIComponent('{"ancestor":["busybox"],"name":["^/one$"]}')}`)).toEqual(['/one']);
    expect(await names('/containers/json?limit=1')).toHaveLength(1);
    expect((await get(asked, '/containers/json', { 'caravela-scope': 'node' })).json<ContainerSummary[]>().length).toBe(1);

    instance.node('node-2').isSilent = true;
    instance.node('node-3').state = 'dead';
    instance.node('node-4').state = 'left';
    const partial = await get(asked, '/containers/json');
    expect(partial.json<ContainerSummary[]>().map((c) => c.Names[0])).toEqual(['/one']);
    expect(silent(partial)).toBe('node-2, node-3');
  });

  it('shows the id of an image whose name is another one’s by now, on its node or where one asks', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked, other] = instance.nodes as [FakeNode, FakeNode];
    const reference = 'docker.io/library/app:1';
    const { digest } = asked.images.put(reference, '1');
    other.images.put(reference, '1');
    for (const node of instance.nodes)
      node.put(`on-${node.name}`, { state: 'running', spec: { image: { reference, digest }, imageAsked: 'app:1' } });
    const images = async (node: FakeNode, filters = {}): Promise<readonly string[]> =>
      (await get(node, `/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`))
        .json<ContainerSummary[]>()
        .map(({ Names, Image }) => `${Names[0]} ${Image}`)
        .sort();
    const imageId = `sha256:${'c0'.repeat(32)}`;
    // The asked node's own image has another id than fakes give their containers, but the digest is the one that was asked for.
    expect(await images(other)).toContain('/on-node-2 app:1');

    await asked.images.untag(reference);
    asked.images.put(reference, '2');
    expect(await images(asked)).toEqual([`/on-node-1 ${imageId}`, `/on-node-2 ${imageId}`]);
    expect(await images(asked, { ancestor: ['app:1'], node: ['node-1'] })).toEqual([]);
    expect((await get(asked, '/containers/on-node-1/json')).json<ContainerInspect>()).toMatchObject({
      Image: imageId,
      Config: { Image: 'app:1' },
    });
    await other.images.untag(reference);
    expect(await images(other)).toEqual([`/on-node-1 ${imageId}`, `/on-node-2 ${imageId}`]);
  });

  it('finds a container by name, id and prefix on any node, and tells missing from unknown', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2', 'node-3');
    const [asked, second, third] = instance.nodes as [FakeNode, FakeNode, FakeNode];
    const web = second.put('web', { state: 'running', id: `aa11${'0'.repeat(60)}` });
    third.put('db', { id: `aa22${'0'.repeat(60)}` });

    for (const word of ['web', '/web', web.request.containerId, web.request.containerId.slice(0, 12), 'aa1']) {
      const response = await get(asked, `/v1.41/containers/${encodeURIComponent(word)}/json`);
      expect([word, response.statusCode]).toEqual([word, 200]);
      expect(response.json<ContainerInspect>().Node).toEqual({ ID: second.id, Name: 'node-2', IP: '10.0.0.2', Addr: '10.0.0.2:8001' });
    }
    const several = await get(asked, '/containers/aa/json');
    expect([several.statusCode, message(several)]).toEqual([400, 'multiple IDs found with provided prefix: aa']);
    const missing = await get(asked, '/containers/nope/json');
    expect([missing.statusCode, message(missing)]).toEqual([404, 'No such container: nope']);

    third.isSilent = true;
    const unknown = await get(asked, '/containers/nope/json');
    expect(unknown.statusCode).toBe(503);
    expect(message(unknown)).toContain('node-3 did not answer and may have it');
    // Where it is found, nobody waits for the silent.
    expect((await get(asked, '/containers/web/json')).statusCode).toBe(200);
    third.isSilent = false;
    third.state = 'dead';
    expect((await get(asked, '/containers/nope/json')).statusCode).toBe(503);
    third.state = 'left';
    expect((await get(asked, '/containers/nope/json')).statusCode).toBe(404);
  });

  it('is not sure of a node that was dead when the others were asked, and is back when they have answered', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2', 'node-3');
    const [asked, , third] = instance.nodes as [FakeNode, FakeNode, FakeNode];
    third.put('web');
    third.state = 'dead';
    const request = asked.request.bind(asked);
    asked.request = (...args) => {
      third.state = 'alive';
      return request(...args);
    };
    expect((await get(asked, '/containers/web/json')).statusCode).toBe(503);
    expect((await get(asked, '/containers/web/json')).statusCode).toBe(200);
  });

  it('asks the name directory where there are too many nodes to ask them all', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2', 'node-3');
    const [asked, second, third] = instance.nodes as [FakeNode, FakeNode, FakeNode];
    const web = second.put('web', { state: 'running', id: `aa11${'0'.repeat(60)}` });
    third.put('db', { id: `aa12${'0'.repeat(60)}` });
    instance.crowd = 70;
    const status = async (word: string): Promise<unknown[]> => {
      const response = await get(asked, `/containers/${word}/json`);
      return [response.statusCode, response.statusCode === 200 ? response.json<ContainerInspect>().Node?.Name : message(response)];
    };
    for (const word of ['web', 'aa11', web.request.containerId]) expect([word, ...(await status(word))]).toEqual([word, 200, 'node-2']);
    expect(await status('aa1')).toEqual([400, 'multiple IDs found with provided prefix: aa1']);
    expect(await status('nope')).toEqual([404, 'No such container: nope']);
    third.state = 'dead';
    expect(await status('nope')).toEqual([503, expect.stringContaining('node-3 did not answer and may have it')]);
    expect((await status('web'))[0]).toBe(200);
    third.state = 'alive';
    // What the directory does not know for sure, everybody is asked for.
    instance.directoryIsWhole = false;
    expect(await status('nope')).toEqual([503, expect.stringContaining('crowd-0, crowd-1')]);
    expect((await status('web'))[0]).toBe(200);
  });

  it('says so when the node that has the container is gone', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked, second] = instance.nodes as [FakeNode, FakeNode];
    const { containerId } = second.put('web').request;
    expect((await get(asked, `/containers/${containerId}/json`)).statusCode).toBe(200);
    second.state = 'dead';
    const gone = await post(asked, `/containers/${containerId}/start`);
    expect(gone.statusCode).toBe(503);
    expect(message(gone)).toContain('node-2, which does not answer now');
  });

  it('creates on the node that the core chose, then starts, stops and removes it there', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked, second] = instance.nodes as [FakeNode, FakeNode];
    second.images.put('docker.io/library/busybox:latest', '7', ['amd64', 'arm64']);
    asked.placeOn = second;
    const body = {
      Image: 'busybox',
      Cmd: ['sleep', '9'],
      HostConfig: { Memory: 256 * 1024 * 1024 },
      Caravela: { Class: 'high', Policy: 'spread', Constraints: ['zone==z2'] },
    };
    const created = await post(asked, '/containers/create?name=web', body);
    expect(created.statusCode).toBe(201);
    const { Id, Warnings } = created.json<{ Id: string; Warnings: string[] }>();
    expect(Warnings).toEqual([]);
    const [run] = asked.commands;
    expect(run).toMatchObject({
      kind: 'run',
      request: {
        name: 'web',
        class: 'high',
        policy: 'spread',
        arches: ['amd64', 'arm64'],
        stopSignal: 'SIGQUIT',
        constraints: [{ key: 'zone', operator: '==', value: 'z2' }],
      },
    });
    expect(JSON.parse(run?.kind === 'run' ? run.request.spec : '')).toMatchObject({
      image: { reference: 'docker.io/library/busybox:latest', digest: second.images.stored[0]?.digest },
    });

    expect((await post(asked, '/containers/web/start')).statusCode).toBe(204);
    expect((await post(asked, '/containers/web/start')).statusCode).toBe(304);
    const inspect = (await get(asked, '/containers/web/json')).json<ContainerInspect>();
    expect(inspect).toMatchObject({
      Id,
      Name: '/web',
      State: { Status: 'running', Running: true, Pid: 4711 },
      HostConfig: { NanoCpus: 0, Memory: 268_435_456 },
      Config: { Image: 'busybox' },
    });
    const running = await asked.api.app.inject({ method: 'DELETE', url: '/containers/web' });
    expect([running.statusCode, message(running)]).toEqual([409, expect.stringContaining('container is running')]);
    expect((await post(asked, '/containers/web/stop?t=1')).statusCode).toBe(204);
    expect((await post(asked, '/containers/web/stop')).statusCode).toBe(304);
    const killed = await post(asked, '/containers/web/kill');
    expect([killed.statusCode, message(killed)]).toEqual([409, expect.stringContaining('is not running')]);
    expect((await post(asked, '/containers/web/kill?signal=%3Brm')).statusCode).toBe(400);
    expect((await post(asked, '/containers/web/restart?t=1')).statusCode).toBe(204);
    expect((await get(asked, '/caravela/v1/explain/web')).json()).toMatchObject({
      supplierName: 'node-2',
      buyerName: 'node-1',
      by: 'direct',
    });
    expect((await asked.api.app.inject({ method: 'DELETE', url: '/containers/web?force=1&v=1' })).statusCode).toBe(204);
    expect(second.containers()).toEqual([]);
    expect(second.listeners).toBe(0);
  });

  it('creates for the platform that was asked for, where the image is for it', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked] = instance.nodes as [FakeNode];
    asked.images.put('docker.io/library/busybox:latest', '7', ['amd64', 'arm64']);
    const other = await post(asked, '/containers/create?platform=linux%2Fs390x', { Image: 'busybox' });
    expect([other.statusCode, message(other)]).toEqual([
      404,
      'image with reference busybox was found but does not match the specified platform: wanted linux/s390x, actual: linux/amd64, linux/arm64',
    ]);
    expect((await post(asked, '/containers/create?platform=plan9%2Famd64', { Image: 'busybox' })).statusCode).toBe(400);
    const made = await post(asked, '/containers/create?platform=linux%2Farm64', { Image: 'busybox' });
    expect(made.statusCode).toBe(201);
    const requests = instance.nodes.flatMap((node) => node.containers()).map(({ request }) => request.arches);
    expect(requests).toEqual([['arm64']]);
  });

  it('refuses a create in Docker’s words', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked, second] = instance.nodes as [FakeNode, FakeNode];
    const noImage = await post(asked, '/containers/create', { Image: 'busybox' });
    expect([noImage.statusCode, message(noImage)]).toEqual([404, 'No such image: busybox:latest']);
    const noReference = await post(asked, '/containers/create', { Image: 'UPPER case' });
    expect([noReference.statusCode, message(noReference)]).toEqual([
      400,
      expect.stringContaining('invalid reference format: "UPPER case"'),
    ]);
    asked.images.put('docker.io/library/busybox:latest', '7');
    const other = second.put('web');
    const taken = await post(asked, '/containers/create?name=web', { Image: 'busybox' });
    expect([taken.statusCode, message(taken)]).toEqual([
      409,
      `Conflict. The container name "/web" is already in use by container "${other.request.containerId}". You have to remove (or rename) that container to be able to reuse that name.`,
    ]);
    for (const [body, status] of [
      [{}, 400],
      [{ Image: 'busybox', HostConfig: { CgroupParent: 'x' } }, 501],
      [{ Image: 'Busy Box' }, 400],
    ] as const) {
      expect((await post(asked, '/containers/create', body)).statusCode).toBe(status);
    }
    expect(
      (
        await asked.api.app.inject({
          method: 'POST',
          url: '/containers/create',
          payload: '{',
          headers: { 'content-type': 'application/json' },
        })
      ).statusCode,
    ).toBe(400);

    const placement = {
      requestId: '1' as never,
      wanted: { cpuMillicores: 2000, memoryBytes: 1 },
      policy: 'binpack' as const,
      buyer: asked.id,
      supplier: undefined,
      attempts: 1,
      by: 'direct' as const,
      tookMs: 2,
      considered: [],
    };
    asked.refuseNext = { code: 'no-room', message: 'no node has 2 CPUs free', placement };
    const full = await post(asked, '/containers/create', { Image: 'busybox' });
    expect(full.statusCode).toBe(503);
    expect(full.json()).toMatchObject({
      message: 'no node has 2 CPUs free',
      placement: { wanted: { cpuMillicores: 2000 }, buyerName: 'node-1' },
    });
    expect((await post(asked, '/containers/create?name=free', { Image: 'busybox' })).statusCode).toBe(201);
  });

  it('gives one of two creates of the same name a conflict', async () => {
    const instance = await FakeInstance.of('node-1');
    const node = instance.node('node-1');
    node.images.put('docker.io/library/busybox:latest', '7');
    const answers = await Promise.all([1, 2].map(() => post(node, '/containers/create?name=web', { Image: 'busybox' })));
    expect(new Set(answers.map((a) => a.statusCode))).toEqual(new Set([201, 409]));
  });

  it('draws another name where two nodes drew the same one at a time, and says so where it was given', async () => {
    const instance = await FakeInstance.of('node-1');
    const node = instance.node('node-1');
    node.images.put('docker.io/library/busybox:latest', '7');
    const taken = { code: 'name-taken', message: 'node-2 has a container of that name already' } as const;
    node.refuseNext = taken;
    expect((await post(node, '/containers/create', { Image: 'busybox' })).statusCode).toBe(201);
    node.refuseNext = taken;
    const given = await post(node, '/containers/create?name=web', { Image: 'busybox' });
    expect([given.statusCode, message(given)]).toEqual([409, expect.stringContaining('Conflict. The container name "/web"')]);
  });

  it('tells which container has the name, and of its new name where it lost it', async () => {
    const instance = await FakeInstance.of('node-1');
    const node = instance.node('node-1');
    node.images.put('docker.io/library/busybox:latest', '7');
    const holder = { containerId: containerId('ab'.repeat(32)), node: node.id };
    node.refuseNext = { code: 'name-taken', message: 'taken', holder };
    expect(message(await post(node, '/containers/create?name=web', { Image: 'busybox' }))).toContain(holder.containerId);

    const { containerId: id } = node.put('web').request;
    node.rename(id, 'web-2');
    const events = get(node, `/events?until=${(node.wallMs() / 1000 + 0.3).toFixed(3)}`);
    await expect.poll(() => node.listeners).toBe(1);
    node.rename(id, 'web-3');
    expect(JSON.parse((await events).body.trim().split('\n').at(-1) ?? '')).toMatchObject({
      Type: 'container',
      Action: 'rename',
      Actor: { ID: id, Attributes: { name: 'web-3', oldName: '/web-2' } },
    });
    expect((await get(node, '/containers/web-3/json')).json<ContainerInspect>().Name).toBe('/web-3');
    expect((await get(node, '/containers/json?all=1')).json<ContainerSummary[]>()[0]?.Names).toEqual(['/web-3']);
    expect((await get(node, '/containers/web/json')).statusCode).toBe(404);
  });

  it('maps a start that finds no executable to the status and words clients know', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked, second] = instance.nodes as [FakeNode, FakeNode];
    second.put('bad', { spec: { command: ['nosuch'] } });
    const response = await post(asked, '/containers/bad/start');
    expect([response.statusCode, message(response)]).toEqual([400, expect.stringContaining('executable file not found in $PATH')]);
    const { State } = (await get(asked, '/containers/bad/json')).json<ContainerInspect>();
    expect(State).toMatchObject({ Status: 'created', ExitCode: 127, Running: false });
    expect(State.Error).toContain('nosuch');
  });

  it('shows images as their union, resolves them anywhere and removes them everywhere', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2');
    const [asked, second] = instance.nodes as [FakeNode, FakeNode];
    asked.images.put('docker.io/library/busybox:latest', '7');
    second.images.put('docker.io/library/busybox:1', '7');
    second.images.put('10.0.0.1:5000/app:2', '8');
    const rows = (await get(asked, '/images/json')).json<{ RepoTags: string[] }[]>();
    expect(rows.map((r) => r.RepoTags.toSorted().join(' ')).toSorted()).toEqual(['10.0.0.1:5000/app:2', 'busybox:1 busybox:latest']);
    const only = (await get(asked, `/images/json?filters=${encodeURIComponent('{"reference":{"10.0.0.1:5000/app":true}}')}`)).json<
      unknown[]
    >();
    expect(only).toHaveLength(1);
    const inspected = await get(asked, '/v1.41/images/10.0.0.1:5000/app:2/json');
    expect(inspected.json()).toMatchObject({ RepoTags: ['10.0.0.1:5000/app:2'], Architecture: 'amd64' });
    expect((await get(asked, '/images/10.0.0.1:5000/app:2/history')).json()).toMatchObject([{ CreatedBy: 'ADD file' }]);
    expect((await get(asked, '/images/nope/json')).statusCode).toBe(404);
    second.images.failNext = new ImageError('in-use', 'it is used by container web');
    const used = await asked.api.app.inject({ method: 'DELETE', url: '/images/busybox:latest' });
    expect([used.statusCode, message(used)]).toEqual([409, 'node-2: it is used by container web']);
    const removed = await asked.api.app.inject({ method: 'DELETE', url: '/images/10.0.0.1:5000%2Fapp:2' });
    expect(removed.json()).toContainEqual({ Untagged: '10.0.0.1:5000/app:2' });
    expect((await asked.api.app.inject({ method: 'DELETE', url: '/images/nope' })).statusCode).toBe(404);
  });

  it('pulls with credentials, streams progress, and answers early failures with a status', async () => {
    const instance = await FakeInstance.of('node-1');
    const node = instance.node('node-1');
    const auth = Buffer.from(JSON.stringify({ username: 'me', password: 'secret' })).toString('base64url');
    const pull = (url: string, header = auth) => node.api.app.inject({ method: 'POST', url, headers: { 'x-registry-auth': header } });
    const pulled = await pull('/images/create?fromImage=busybox&tag=1.36');
    const lines = pulled.body
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      { status: 'Downloading', id: 'abc', progressDetail: { current: 1, total: 2 } },
      { status: 'Pull complete', id: 'abc', progressDetail: {} },
    ]);
    expect(node.images.pulled).toEqual([{ reference: 'docker.io/library/busybox:1.36', username: 'me' }]);
    node.images.failNext = new ImageError('not-found', 'manifest unknown');
    const missing = await pull('/images/create?fromImage=nope');
    expect([missing.statusCode, message(missing)]).toEqual([404, 'manifest unknown']);
    node.images.failNext = new ImageError('denied', 'pull access denied');
    const denied = await pull('/images/create?fromImage=nope');
    expect([denied.statusCode, message(denied)]).toEqual([404, 'pull access denied']);
    const badAuth = await pull('/images/create?fromImage=busybox', '{}{');
    expect([badAuth.statusCode, message(badAuth)]).toEqual([400, expect.not.stringContaining('{}{')]);
    expect((await pull('/images/create?fromImage=UP')).statusCode).toBe(400);
    const loaded = await node.api.app.inject({
      method: 'POST',
      url: '/images/load?quiet=1',
      payload: Buffer.alloc(100),
      headers: { 'content-type': 'application/x-tar' },
    });
    expect(JSON.parse(loaded.body)).toEqual({ stream: 'Loaded image: loaded:100\n' });
    node.images.failNext = new ImageError('corrupt', 'no archive');
    const broken = await node.api.app.inject({
      method: 'POST',
      url: '/images/load',
      payload: Buffer.from('abc'),
      headers: { 'content-type': 'application/x-tar' },
    });
    // Docker's clients read what went wrong with a load from its stream alone.
    expect([broken.statusCode, broken.json()]).toEqual([200, { errorDetail: { message: 'no archive' }, error: 'no archive' }]);
  });

  it('describes the instance: info, nodes, tokens, leave', async () => {
    const instance = await FakeInstance.of('node-1', 'node-2', 'node-3');
    const [asked, second, third] = instance.nodes as [FakeNode, FakeNode, FakeNode];
    second.put('web', { state: 'running' });
    const info = (await get(asked, '/info')).json<Info>();
    expect(info).toMatchObject({ Containers: 1, ContainersRunning: 1, NCPU: 6, Name: 'node-1' });
    expect(info.SystemStatus).toContainEqual([' node-2', '10.0.0.2:8001']);
    third.isSilent = true;
    const nodes = await get(asked, '/caravela/v1/nodes');
    expect(silent(nodes)).toBe('node-3');
    expect(nodes.json()).toMatchObject([
      { name: 'node-1', role: 'none', containers: 0, state: 'alive' },
      { name: 'node-2', role: 'none', containers: 1, cpus: { capacity: 2000, reserved: 100 }, memory: { reserved: 67_108_864 } },
      { name: 'node-3', containers: -1, cpus: { capacity: 2000, reserved: 0 } },
    ]);
    const made = await post(asked, '/caravela/v1/tokens', { ttlSeconds: 3600, singleUse: true });
    expect([made.statusCode, made.json()]).toEqual([201, expect.objectContaining({ token: 'CVL1-secret', singleUse: true })]);
    expect((await get(asked, '/caravela/v1/tokens')).body).not.toContain('secret');
    expect((await post(asked, '/caravela/v1/tokens', { ttlSeconds: 'long' })).statusCode).toBe(400);
    expect((await asked.api.app.inject({ method: 'DELETE', url: '/caravela/v1/tokens/a1b2c3d4e5f6' })).statusCode).toBe(204);
    expect((await asked.api.app.inject({ method: 'DELETE', url: '/caravela/v1/tokens/a1b2c3d4e5f6' })).statusCode).toBe(404);
    expect((await get(asked, '/caravela/v1/instance')).json()).toMatchObject({ nodeName: 'node-1', open: false });
    const refused = await post(second, '/caravela/v1/leave', {});
    expect([refused.statusCode, message(refused)]).toEqual([409, expect.stringContaining('1 containers are on this node')]);
    expect((await post(second, '/caravela/v1/leave', { force: true })).statusCode).toBe(204);
    expect(second.left).toEqual({ force: true });
  });
});
