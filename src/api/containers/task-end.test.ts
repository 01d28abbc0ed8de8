import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';
import { until } from '../instance-with.test-helper.ts';

async function oneNode(state: 'running' | 'starting' = 'running') {
  const instance = await FakeInstance.of('node-1');
  const [node] = instance.nodes as [FakeNode];
  const { containerId } = node.put('web', { state }).request;
  return { node, containerId, post: (path: string) => node.api.app.inject({ method: 'POST', url: `/containers/web/${path}` }) };
}

describe('the end of a task', () => {
  it.each(['not-running', 'next-exit'])('ends a wait for %s although the policy starts another', async (condition) => {
    const { node, containerId, post } = await oneNode();
    const waiting = post(`wait?condition=${condition}`);
    await until(() => node.listeners === 1);
    node.exit(containerId, 3, 60_000);
    expect((await waiting).json()).toEqual({ StatusCode: 3 });
  });

  it('is seen before a kill is answered', async () => {
    const { node, containerId, post } = await oneNode();
    node.lingering = true;
    let answered = false;
    const killing = post('kill').finally(() => (answered = true));
    await until(() => node.listeners === 1);
    for (let i = 0; i < 20; i++) await sleep(0);
    expect(answered).toBe(false);
    node.exit(containerId, 137);
    expect((await killing).statusCode).toBe(204);
    expect(node.listeners).toBe(0);
  });

  it.each(['TERM', '1'])('is not waited for after the signal %s, which may end nothing', async (signal) => {
    const { node, post } = await oneNode();
    node.lingering = true;
    expect((await post(`kill?signal=${signal}`)).statusCode).toBe(204);
    expect(node.listeners).toBe(0);
  });

  it('may come before the kill that was to bring it, which is answered once it is seen', async () => {
    const { node, containerId, post } = await oneNode();
    node.refuseNext = { code: 'wrong-state', message: 'web is not running' };
    let answered = false;
    const killing = post('kill').finally(() => (answered = true));
    await until(() => node.listeners === 1);
    for (let i = 0; i < 20; i++) await sleep(0);
    expect(answered).toBe(false);
    node.exit(containerId, 0);
    expect((await killing).statusCode).toBe(204);
    expect((await post('kill')).statusCode).toBe(409);
  });

  it('does not come by a kill while it is being started: who asks is not told that it did', async () => {
    const { node, post } = await oneNode('starting');
    node.refuseNext = { code: 'wrong-state', message: 'web is not running' };
    expect((await post('kill')).statusCode).toBe(409);
    expect(node.listeners).toBe(0);
  });
});
