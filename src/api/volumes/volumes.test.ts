import { describe, expect, it } from 'vitest';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';
import { VolumesUnavailable } from '../volume-service.ts';

async function nodes(...names: string[]): Promise<FakeNode[]> {
  const instance = await FakeInstance.of(...names);
  return names.map((name) => instance.node(name));
}

const get = (node: FakeNode, url: string) => node.api.app.inject(url);
const remove = (node: FakeNode, url: string) => node.api.app.inject({ method: 'DELETE', url });
const post = (node: FakeNode, url: string, payload: object = {}) => node.api.app.inject({ method: 'POST', url, payload });
const create = (node: FakeNode, payload: object) => post(node, '/volumes/create', payload);
const filters = (value: object) => `filters=${encodeURIComponent(JSON.stringify(value))}`;
const namesOn = (node: FakeNode) => [...node.volumes.here.volumes.keys()];

/** As if a container of the node had it. */
function use(node: FakeNode, name: string): void {
  const volume = node.volumes.here.volumes.get(name);
  if (volume !== undefined) node.volumes.here.volumes.set(name, { ...volume, usedBy: ['c1'] });
}

describe('one node', () => {
  it('makes a volume, knows it, lists it and removes it', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const made = await create(one, { Name: 'data', Labels: { a: '1' } });
    expect(made.statusCode).toBe(201);
    expect(made.json()).toMatchObject({
      Name: 'data',
      Driver: 'local',
      Mountpoint: '/var/lib/caravela/volumes/data/_data',
      Labels: { a: '1' },
      Options: {},
      Scope: 'local',
      Status: { Node: { Name: 'node-1' } },
      Node: { Name: 'node-1' },
    });
    expect((await create(one, { Name: 'data' })).statusCode).toBe(201);
    expect((await get(one, '/volumes/data')).json()).toEqual(made.json());
    expect((await get(one, '/volumes')).json()).toEqual({ Volumes: [made.json()], Warnings: [] });
    const gone = await remove(one, '/volumes/data');
    expect([gone.statusCode, gone.body]).toEqual([204, '']);
    expect(one.volumes.named()).toEqual([]);
    expect((await get(one, '/volumes/data')).json()).toEqual({ message: 'get data: no such volume' });
  });

  it('names a volume that nobody named', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const { Name } = (await create(one, {})).json<{ Name: string }>();
    expect(Name).toMatch(/^[0-9a-f]{64}$/);
    expect(one.volumes.here.volumes.get(Name)).toMatchObject({ anonymous: true });
  });

  it.each([
    [{ Name: '../x' }, 400, /no name for a volume/],
    [{ Name: 'x', Driver: 'nfs' }, 404, /plugin "nfs" not found/],
    [{ Name: 'x', DriverOpts: { node: 'node-9' } }, 404, /No such node: node-9/],
    [{ Name: 'x', DriverOpts: { node: 'node-1', type: 'nfs', o: 'addr=10.0.0.1' } }, 501, /the volume option "type".*bind it/],
    [{ Name: 'x', DriverOpts: { size: '10g' } }, 501, /the volume option "size"/],
    [{ Name: 'x', DriverOpts: { odd: '1' } }, 400, /create x: invalid option: "odd"/],
    [{ Name: 7 }, 400, /Name must be string/],
  ])('refuses %j', async (body, status, message) => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const answer = await create(one, body);
    expect([answer.statusCode, answer.json().message]).toEqual([status, expect.stringMatching(message)]);
    expect(one.volumes.named()).toEqual([]);
  });

  it('keeps what is in use', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    await create(one, { Name: 'data' });
    use(one, 'data');
    const answer = await remove(one, '/volumes/data');
    expect([answer.statusCode, answer.json().message]).toEqual([409, 'remove data: volume is in use - [c1]']);
    expect((await remove(one, '/volumes/nosuch')).statusCode).toBe(404);
    expect((await remove(one, '/volumes/nosuch?force=1')).statusCode).toBe(204);
    expect((await remove(one, '/volumes/data?force=1')).statusCode).toBe(409);
  });

  it('says so where nothing can be agreed on', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    one.volumes.failNext = new VolumesUnavailable('making volume x needs a majority of the agreement members: none answers.');
    expect((await create(one, { Name: 'x' })).statusCode).toBe(503);
    await create(one, { Name: 'x' });
    one.volumes.failNext = new VolumesUnavailable('giving back the name needs a majority.');
    const half = await remove(one, '/volumes/x');
    expect([half.statusCode, half.json().message]).toEqual([
      503,
      expect.stringMatching(/^volume x is removed, but its name stays .* Remove it once more/),
    ]);
    expect(one.volumes.named()).toHaveLength(1);
    expect((await get(one, '/volumes/x')).statusCode).toBe(404);
    expect((await remove(one, '/volumes/x')).statusCode).toBe(204);
    expect(one.volumes.named()).toEqual([]);
  });

  it('filters', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    await create(one, { Name: 'data', Labels: { a: '1' } });
    await create(one, { Name: 'used' });
    use(one, 'used');
    const listed = async (value: object) =>
      (await get(one, `/volumes?${filters(value)}`)).json<{ Volumes: { Name: string }[] }>().Volumes.map(({ Name }) => Name);
    expect(await listed({ dangling: ['true'] })).toEqual(['data']);
    expect(await listed({ dangling: { false: true } })).toEqual(['used']);
    expect(await listed({ name: ['se'] })).toEqual(['used']);
    expect(await listed({ label: ['a=1'] })).toEqual(['data']);
    expect(await listed({ driver: ['nfs'] })).toEqual([]);
    expect((await get(one, `/volumes?${filters({ nosuch: ['1'] })}`)).statusCode).toBe(400);
  });

  it('prunes what nobody named, or all, as each version of the API means it', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const { Name } = (await create(one, {})).json<{ Name: string }>();
    await create(one, { Name: 'data', Labels: { keep: '1' } });
    await create(one, { Name: 'used' });
    use(one, 'used');
    expect((await post(one, '/v1.42/volumes/prune')).json()).toEqual({ VolumesDeleted: [Name], SpaceReclaimed: 1_000 });
    expect((await post(one, `/volumes/prune?${filters({ all: ['1'], 'label!': ['keep'] })}`)).json().VolumesDeleted).toEqual([]);
    expect((await post(one, '/v1.41/volumes/prune')).json()).toEqual({ VolumesDeleted: ['data'], SpaceReclaimed: 1_000 });
    expect(namesOn(one)).toEqual(['used']);
    expect(one.volumes.named().map(({ name }) => name)).toEqual(['used']);
  });
});

describe('three nodes', () => {
  it('makes a volume on the node that was asked, or on the one that is named', async () => {
    const [one, two, three] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    await create(one, { Name: 'here' });
    const there = await create(one, { Name: 'there', DriverOpts: { node: 'node-2' } });
    // Clients hold it against what they asked for.
    expect([there.statusCode, there.json()]).toMatchObject([201, { Node: { Name: 'node-2' }, Options: { node: 'node-2' } }]);
    await create(one, { Name: 'third', Labels: { 'caravela.node': 'node-3' } });
    expect([one, two, three].map(namesOn)).toEqual([['here'], ['there'], ['third']]);
    expect((await get(three, '/volumes')).json().Volumes.map(({ Name }: { Name: string }) => Name)).toEqual(['here', 'there', 'third']);
  });

  it('answers one that exists from where it is, and refuses to make it elsewhere', async () => {
    const [one, two] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    await create(two, { Name: 'data' });
    expect((await create(one, { Name: 'data' })).json()).toMatchObject({ Node: { Name: 'node-2' } });
    const elsewhere = await create(one, { Name: 'data', DriverOpts: { node: 'node-3' } });
    expect([elsewhere.statusCode, elsewhere.json().message]).toEqual([409, expect.stringMatching(/already exists on node node-2/)]);
    expect((await get(one, '/volumes/data')).json()).toMatchObject({ Node: { Name: 'node-2' } });
    use(two, 'data');
    expect((await remove(one, '/volumes/data')).statusCode).toBe(409);
    expect(namesOn(one)).toEqual([]);
  });

  it('removes one from where it is, also one that nobody agreed on', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    const name = 'ab'.repeat(32);
    await two.volumes.here.create({ name, labels: {}, options: {}, anonymous: true });
    expect((await get(one, `/volumes/${name}`)).json()).toMatchObject({ Name: name, Node: { Name: 'node-2' } });
    expect((await remove(one, `/volumes/${name}`)).statusCode).toBe(204);
    expect(namesOn(two)).toEqual([]);
    expect((await get(one, `/volumes/${name}`)).statusCode).toBe(404);
  });

  it('does not say that there is none where who may have it is gone', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    await create(two, { Name: 'data' });
    two.state = 'dead';
    expect((await get(one, '/volumes/data')).statusCode).toBe(503);
    expect((await get(one, `/volumes/${'ab'.repeat(32)}`)).statusCode).toBe(503);
    expect((await get(one, '/volumes/nosuch')).statusCode).toBe(404);
    expect((await get(one, '/volumes')).json()).toMatchObject({ Volumes: [] });
  });

  it('prunes everywhere', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    await create(one, { Name: 'a1' });
    await create(two, { Name: 'b2' });
    expect((await post(one, '/v1.41/volumes/prune')).json()).toEqual({ VolumesDeleted: ['a1', 'b2'], SpaceReclaimed: 2_000 });
    expect(one.volumes.named()).toEqual([]);
  });
});
