import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';

async function oneNode(): Promise<FakeNode> {
  return (await FakeInstance.of('node-1')).node('node-1');
}

describe('what Docker’s client looks up', () => {
  it('has the two networks that are on every node, by name, by id and by filter', async () => {
    const { app } = (await oneNode()).api;
    const list = async (filters: object) =>
      (await app.inject(`/v1.41/networks?filters=${JSON.stringify(filters)}`)).json<{ Name: string }[]>().map((row) => row.Name);
    expect(await list({})).toEqual(['host', 'none']);
    expect(await list({ name: ['non'] })).toEqual(['none']);
    expect(await list({ driver: ['host', 'null'] })).toEqual(['host', 'none']);
    expect(await list({ label: ['a=b'] })).toEqual([]);
    const none = (await app.inject('/networks/none')).json<{ Id: string; Driver: string }>();
    expect(none).toMatchObject({ Driver: 'null', Id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect((await app.inject(`/networks/${none.Id.slice(0, 12)}`)).json()).toEqual(none);
    expect((await app.inject('/volumes')).json()).toEqual({ Volumes: [], Warnings: [] });
    expect((await app.inject('/plugins')).json()).toEqual([]);
  });

  it.each([
    ['/networks/nope', 'network nope not found'],
    ['/volumes/nope', 'get nope: no such volume'],
    ['/plugins/nope/json', 'plugin "nope" not found'],
    ['/containers/nope/json', 'No such container: nope'],
    ['/images/nope/json', 'No such image: nope:latest'],
  ])('says 404 for %s, so that inspect goes on to the next kind', async (path, message) => {
    const answer = await (await oneNode()).api.app.inject(path);
    expect([answer.statusCode, answer.headers['content-type'], answer.json()]).toEqual([404, 'application/json', { message }]);
  });

  it('refuses an upgrade without the header that makes it take the refusal for the stream', async () => {
    const node = await oneNode();
    node.put('in', { state: 'running', spec: { openStdin: true } });
    const socket = connect(node.socketPath);
    socket.write('POST /containers/in/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
    expect(answer).toContain('content-type: application/json\r\n');
    expect(answer.toLowerCase()).not.toContain('connection: close');
  });
});
