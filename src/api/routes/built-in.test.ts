import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';

async function oneNode(): Promise<FakeNode> {
  return (await FakeInstance.of('node-1')).node('node-1');
}

describe('what Docker’s client looks up', () => {
  it('has no plugins, and nothing of a builder', async () => {
    const { app } = (await oneNode()).api;
    expect((await app.inject({ method: 'POST', url: '/build/prune' })).json()).toEqual({ CachesDeleted: [], SpaceReclaimed: 0 });
    expect((await app.inject({ method: 'POST', url: '/build?t=x' })).json().message).toMatch(/push the image to a registry, or load it/);
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
    socket.write(
      'POST /containers/in/attach?stream=1&stdin=1&detachKeys=nothing HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('content-type: application/json\r\n');
    expect(answer.toLowerCase()).not.toContain('connection: close');
  });
});
