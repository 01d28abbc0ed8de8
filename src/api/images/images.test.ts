import { describe, expect, it } from 'vitest';
import { ImageError } from '../../engine/port.ts';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';

const BUSYBOX = 'docker.io/library/busybox:latest';
const MINE = '10.0.0.1:5000/me/app';
const AUTH = Buffer.from(JSON.stringify({ username: 'me', password: 'secret' })).toString('base64url');

async function nodes(...names: string[]): Promise<FakeNode[]> {
  const instance = await FakeInstance.of(...names);
  return names.map((name) => instance.node(name));
}

const get = (node: FakeNode, url: string) => node.api.app.inject(url);
const post = (node: FakeNode, url: string, headers: Record<string, string> = {}, payload?: string) =>
  node.api.app.inject({ method: 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
const lines = (body: string): unknown[] =>
  body
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
const references = (node: FakeNode): readonly string[] => node.images.stored.flatMap((image) => image.references);

describe('tag', () => {
  it('names an image anew on every node that has it, by name and by id', async () => {
    const [one, two, three] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    const image = two.images.put(BUSYBOX, 'a');
    three.images.put(BUSYBOX, 'a');
    const named = await post(one, '/images/busybox/tag?repo=10.0.0.1:5000/me/app&tag=v1');
    expect([named.statusCode, named.body]).toEqual([201, '']);
    expect((await post(one, `/images/${image.id}/tag?repo=other`)).statusCode).toBe(201);
    for (const node of [two, three]) expect(references(node)).toEqual([BUSYBOX, `${MINE}:v1`, 'docker.io/library/other:latest']);
    expect(references(one)).toEqual([]);
    const told = await one.api.app.inject({ url: `/events?until=${Math.ceil(one.wallMs() / 1000 + 0.01)}&filters={"event":["tag"]}` });
    expect(told.body.trim().split('\n')).toHaveLength(2);
  });

  it('is a name of one image, wherever another had it', async () => {
    const [one, two, three] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    for (const node of [one, two]) node.images.put('docker.io/library/app:1', 'a');
    const better = three.images.put('docker.io/library/better:1', 'b');
    expect((await post(one, '/images/better:1/tag?repo=app&tag=1')).statusCode).toBe(201);
    expect([references(one), references(two), references(three)]).toEqual([
      [],
      [],
      ['docker.io/library/better:1', 'docker.io/library/app:1'],
    ]);
    const { Id } = (await one.api.app.inject({ url: '/images/app:1/json' })).json<{ Id: string }>();
    expect(Id).toBe(better.id);
  });

  it('is shown with the config of a container, as old clients look into it', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    one.images.put('docker.io/library/app:1', 'a');
    const shown = (await get(one, '/images/app:1/json')).json<{ Config: object; ContainerConfig: object }>();
    expect(shown.ContainerConfig).toEqual(shown.Config);
    expect(shown.ContainerConfig).toMatchObject({ Volumes: null });
  });

  it('is a name of one image, also where nodes have two by the name that is tagged', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    one.images.put('docker.io/library/app:1', 'a');
    two.images.put('docker.io/library/app:1', 'b');
    expect((await post(one, '/images/app:1/tag?repo=app&tag=2')).statusCode).toBe(201);
    expect([references(one), references(two)]).toEqual([
      ['docker.io/library/app:1', 'docker.io/library/app:2'],
      ['docker.io/library/app:1'],
    ]);
  });

  it.each([
    ['/images/busybox/tag?repo=', 400, /invalid reference format/],
    ['/images/busybox/tag?repo=UPPER', 400, /invalid reference format/],
    [`/images/busybox/tag?repo=x@sha256:${'a'.repeat(64)}`, 400, /refusing to create a tag with a digest reference/],
    ['/images/busybox/tag?repo=sha256&tag=x', 400, /ambiguous tag/],
    ['/images/nosuch/tag?repo=x', 404, /No such image: nosuch:latest/],
  ])('refuses %s', async (url, status, message) => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    two.images.put(BUSYBOX, 'a');
    const answer = await post(one, url);
    expect(answer.statusCode).toBe(status);
    expect(answer.json().message).toMatch(message);
  });
});

describe('push', () => {
  it('goes out from a node that has the image, with the client’s credentials', async () => {
    const [one, , three] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    const { digest } = three.images.put(`${MINE}:v1`, 'a');
    const answer = await post(one, `/images/${MINE}/push?tag=v1`, { 'x-registry-auth': AUTH });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(lines(answer.body)).toEqual([
      { status: 'Pushed', id: 'abc', progressDetail: {} },
      { progressDetail: {}, aux: { Tag: 'v1', Digest: digest, Size: 512 } },
    ]);
    expect(three.images.pushed).toEqual([`${MINE}:v1 me`]);
  });

  it('sends all tags of a repository where none is named', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    for (const [tag, fill] of [
      ['v1', 'a'],
      ['v2', 'b'],
    ] as const)
      two.images.put(`${MINE}:${tag}`, fill);
    two.images.put(`${MINE}2:v1`, 'c');
    expect((await post(one, `/images/${MINE}/push`)).statusCode).toBe(200);
    expect(two.images.pushed).toEqual([`${MINE}:v1`, `${MINE}:v2`]);
  });

  it('says with a status what is wrong with the request, and in its stream what the registry makes of it', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const missing = await post(one, `/images/${MINE}/push?tag=v1`);
    expect([missing.statusCode, missing.json().message]).toEqual([404, `An image does not exist locally with the tag: ${MINE}`]);
    expect((await post(one, `/images/${MINE}:v1/push`)).statusCode).toBe(400);
    expect((await post(one, `/images/${MINE}@sha256:${'a'.repeat(64)}/push`)).statusCode).toBe(400);
    one.images.put(`${MINE}:v1`, 'a');
    one.images.failNext = new ImageError('denied', 'requested access to the resource is denied');
    const denied = await post(one, `/images/${MINE}/push?tag=v1`);
    const error = 'requested access to the resource is denied';
    expect([denied.statusCode, lines(denied.body)]).toEqual([200, [{ errorDetail: { message: error }, error }]]);
  });
});

describe('save', () => {
  it('is made where the images are', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    two.images.put(BUSYBOX, 'a');
    const answer = await get(one, '/images/busybox/get');
    expect([answer.statusCode, answer.headers['content-type'], answer.body]).toEqual([200, 'application/x-tar', 'saved busybox']);
    expect(one.images.stored).toEqual([]);
  });

  it('brings what is missing where no node has all', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    one.images.put(`${MINE}:v1`, 'b');
    two.images.put(BUSYBOX, 'a');
    const answer = await get(one, `/images/get?names=busybox&names=${MINE}:v1`);
    expect([answer.statusCode, answer.body]).toEqual([200, `saved busybox ${MINE}:v1`]);
    expect(references(one)).toContain(BUSYBOX);
  });

  it('is 404 where nobody has one of them, 400 where none is named', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    two.images.put(BUSYBOX, 'a');
    expect((await get(one, '/images/get?names=busybox&names=nosuch')).json()).toEqual({ message: 'No such image: nosuch:latest' });
    expect((await get(one, '/images/get')).statusCode).toBe(400);
  });
});

describe('rmi', () => {
  it('leaves all as it is where a container of any node uses it, unless that is forced', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    const image = one.images.put(BUSYBOX, 'a');
    two.images.put(BUSYBOX, 'a');
    const container = two.put('web', { spec: { image: { reference: BUSYBOX, digest: image.digest } } });
    const user = container.request.containerId.slice(0, 12);
    const remove = (name: string) => one.api.app.inject({ method: 'DELETE', url: `/images/${name}` });
    const byName = await remove('busybox');
    expect([byName.statusCode, byName.json().message]).toEqual([
      409,
      `conflict: unable to remove repository reference "busybox:latest" (must force) - container ${user} on node node-2 is using its referenced image aaaaaaaaaaaa`,
    ]);
    expect((await remove(image.id)).json().message).toMatch(/^conflict: unable to delete aaaaaaaaaaaa \(must be forced\)/);
    expect([references(one), references(two)]).toEqual([[BUSYBOX], [BUSYBOX]]);
    // What runs keeps its image's names from who means the image itself.
    const running = two.put('busy', { state: 'running', spec: { image: { reference: BUSYBOX, digest: image.digest } } });
    const forced = await remove(`${image.id}?force=1`);
    expect([forced.statusCode, forced.json().message]).toEqual([
      409,
      `conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being used by running container ${running.request.containerId.slice(0, 12)} on node node-2`,
    ]);
    expect((await remove('busybox?force=1')).statusCode).toBe(200);
    expect([references(one), references(two)]).toEqual([[], []]);
  });
});

describe('prune', () => {
  it('sums up what went on all nodes', async () => {
    const [one, two, three] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    for (const node of [one, two]) node.images.put('', 'a');
    two.images.put(BUSYBOX, 'b');
    three.images.put('', 'c');
    three.state = 'dead';
    const answer = await post(one, '/images/prune');
    expect(answer.json()).toEqual({ ImagesDeleted: [{ Deleted: `sha256:${'a'.repeat(64)}` }], SpaceReclaimed: 8_000_000 });
    expect(references(two)).toEqual([BUSYBOX]);
    const filters = encodeURIComponent(JSON.stringify({ dangling: { false: true }, label: ['maker=us'] }));
    const all = await post(one, `/images/prune?filters=${filters}`);
    expect(all.json().ImagesDeleted).toEqual([{ Untagged: 'busybox:latest' }, { Deleted: `sha256:${'b'.repeat(64)}` }]);
    expect((await post(one, '/images/prune')).json()).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 });
  });

  it.each(['{"nosuch":["1"]}', '{"dangling":["maybe"]}', '{"until":["yesterday"]}'])('refuses %s', async (filters) => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    expect((await post(one, `/images/prune?filters=${encodeURIComponent(filters)}`)).statusCode).toBe(400);
  });
});

describe('import and pull', () => {
  it('makes an image of a root file system', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const changes = ['CMD ["sh"]', 'ENV A=1 B="two words"'].map((line) => `changes=${encodeURIComponent(line)}`).join('&');
    const answer = await post(one, `/images/create?fromSrc=-&repo=me/root&tag=v1&message=mine&${changes}`, {}, 'a tar');
    expect(lines(answer.body)).toEqual([{ status: `sha256:${'c'.repeat(64)}` }]);
    expect(one.images.stored[0]).toMatchObject({
      references: ['docker.io/me/root:v1'],
      sizeBytes: 5,
      config: { Cmd: ['sh'], Env: ['A=1', 'B=two words'] },
      history: [{ comment: 'mine' }],
    });
  });

  it.each([
    ['fromSrc=-&changes=FROM%20x', /not a valid change command/],
    ['fromSrc=-&tag=v1', /needs a repository/],
    ['fromSrc=ftp://x/y', /fromSrc must be - or a URL/],
    ['fromSrc=-', /the body must be a tar archive/],
    ['fromImage=busybox&platform=windows/amd64', /runs containers of Linux/],
    ['fromImage=busybox&platform=windows', /runs containers of Linux/],
    ['fromImage=busybox&platform=foobar', /"foobar": unknown operating system or architecture/],
    ['fromImage=busybox&platform=a/b/c/d', /platform must be written/],
  ])('refuses %s', async (query, message) => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const answer = await post(one, `/images/create?${query}`);
    expect([answer.statusCode, answer.json().message]).toEqual([400, expect.stringMatching(message)]);
  });

  it('says that a URL can’t be read', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const answer = await post(one, '/images/create?fromSrc=http://127.0.0.1:1/root.tar');
    expect([answer.statusCode, answer.json().message]).toEqual([
      500,
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:1\/root\.tar can't be read/),
    ]);
  });

  it('pulls for the platform that is asked for', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    await post(one, '/images/create?fromImage=busybox&tag=1&platform=linux/aarch64/v8', { 'x-registry-auth': AUTH });
    const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
    expect(one.images.pulled).toEqual([{ reference: 'docker.io/library/busybox:1', username: 'me', platform }]);
  });
});

describe('lists', () => {
  it('shows a digest for what registries have, not for what was only made here', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    one.images.put('docker.io/me/made:1', 'a');
    const pulled = one.images.put('docker.io/library/pulled:1', 'b');
    one.images.stored.splice(1, 1, {
      ...pulled,
      references: [...pulled.references, `quay.io/x/y@${pulled.digest}`],
      published: ['docker.io/library/pulled'],
    });
    const rows = (await get(one, '/v1.47/images/json')).json<{ RepoTags: string[]; RepoDigests: string[] }[]>();
    expect(rows.map(({ RepoTags, RepoDigests }) => [RepoTags[0], RepoDigests])).toEqual([
      ['me/made:1', []],
      ['pulled:1', [`pulled@${pulled.digest}`, `quay.io/x/y@${pulled.digest}`]],
    ]);
  });

  it('knows images without a name as each version of the API does', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    one.images.put('', 'a');
    expect((await get(one, '/v1.41/images/json')).json()).toMatchObject([{ RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }]);
    expect((await get(one, '/v1.47/images/json')).json()).toMatchObject([{ RepoTags: [], RepoDigests: [] }]);
  });

  it('filters the union', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    one.images.put(BUSYBOX, 'a');
    const young = two.images.put(`${MINE}:v1`, 'b');
    two.images.stored.splice(0, 1, { ...young, createdAtMs: 1_800_000_000_000, references: [...young.references, `${MINE}:v2`] });
    const listed = async (filters: object): Promise<unknown> => {
      const rows = (await get(one, `/images/json?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json();
      return Array.isArray(rows) ? rows.map(({ RepoTags }: { RepoTags: string[] }) => RepoTags) : rows;
    };
    expect(await listed({ since: ['busybox'] })).toEqual([[`${MINE}:v1`, `${MINE}:v2`]]);
    expect(await listed({ before: [`${MINE}:v2`] })).toEqual([['busybox:latest']]);
    expect(await listed({ before: [young.id.slice(7, 20)] })).toEqual([['busybox:latest']]);
    expect(await listed({ until: ['1750000000'] })).toEqual([['busybox:latest']]);
    expect(await listed({ reference: [`${MINE}:v2`] })).toEqual([[`${MINE}:v2`]]);
    expect(await listed({ dangling: ['true'] })).toEqual([]);
    expect(await listed({ since: ['nosuch'] })).toEqual({ message: 'No such image: nosuch:latest' });
  });

  it('counts what is shared and used where that is asked for', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    one.images.put(BUSYBOX, 'a');
    two.images.put(BUSYBOX, 'a');
    expect((await get(one, '/images/json')).json()).toMatchObject([{ SharedSize: -1, Containers: -1 }]);
    expect((await get(one, '/images/json?shared-size=1')).json()).toMatchObject([{ SharedSize: 0, Containers: 0 }]);
  });

  it('tells the size of each step of a history', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    const image = two.images.put(BUSYBOX, 'a');
    const history = [{ created_by: 'ADD' }, { created_by: 'CMD', empty_layer: true }, { created_by: 'RUN' }];
    two.images.stored.splice(0, 1, { ...image, history, layerBytes: [10, 20] });
    expect((await get(one, '/images/busybox/history')).json()).toMatchObject([
      { Id: image.id, CreatedBy: 'RUN', Size: 20, Tags: ['busybox:latest'] },
      { Id: '<missing>', CreatedBy: 'CMD', Size: 0, Tags: null },
      { Id: '<missing>', CreatedBy: 'ADD', Size: 10, Tags: null },
    ]);
  });
});

describe('registries', () => {
  it('logs in where the registry takes the credentials', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const login = (body: object) => post(one, '/auth', { 'content-type': 'application/json' }, JSON.stringify(body));
    const me = { username: 'me', password: 'secret' };
    const fine = await login({ ...me, serveraddress: 'https://index.docker.io/v1/' });
    expect([fine.statusCode, fine.json()]).toEqual([200, { Status: 'Login Succeeded', IdentityToken: '' }]);
    await login({ ...me, serveraddress: '10.0.0.1:5000' });
    expect(one.images.logins).toEqual(['docker.io me', '10.0.0.1:5000 me']);
    one.images.failNext = new ImageError('denied', 'unauthorized: incorrect username or password');
    const denied = await login(me);
    expect([denied.statusCode, denied.json()]).toEqual([401, { message: 'unauthorized: incorrect username or password' }]);
    expect((await login({})).statusCode).toBe(400);
    expect((await login({ username: 1 })).statusCode).toBe(400);
    expect((await login({ ...me, serveraddress: 'http://a b/' })).statusCode).toBe(400);
  });

  it('asks what a registry has', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const { digest } = one.images.put(BUSYBOX, 'a');
    const answer = await get(one, '/distribution/busybox:latest/json');
    expect(answer.json()).toEqual({
      Descriptor: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 512 },
      Platforms: [],
    });
    expect((await get(one, '/distribution/nosuch/json')).statusCode).toBe(401);
    expect((await get(one, '/distribution/nosuch')).statusCode).toBe(404);
  });
});
