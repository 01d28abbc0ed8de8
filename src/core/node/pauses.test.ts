/** Pause and unpause: what they answer, what ends them, what a restart of the node makes of them. */
import { expect, test } from 'vitest';
import type { Request, Result } from '../model/index.ts';
import { OneNode } from './one-node.ts';

const DONE: Result = { ok: true, kind: 'done' };
const wrong = (words: string) => ({ ok: false, error: { code: 'wrong-state', message: expect.stringContaining(words), changed: false } });

const pause = (one: OneNode, { containerId }: Request): Result => one.ask({ kind: 'pause', containerId });
const unpause = (one: OneNode, { containerId }: Request): Result => one.ask({ kind: 'unpause', containerId });
const told = (one: OneNode) => one.instance.events.map(({ kind }) => kind).filter((kind) => kind.startsWith('task-'));

test('a task is paused and unpaused; the record, the engine and the events say so', () => {
  const one = new OneNode();
  const web = one.create();
  expect(pause(one, web)).toMatchObject(wrong('is not running'));
  one.start(web);
  expect(unpause(one, web)).toMatchObject(wrong('is not paused'));
  expect(pause(one, web)).toEqual(DONE);
  one.instance.run(10);
  expect(one.get(web).task).toMatchObject({ state: 'running', paused: true });
  expect(one.node.host.containers.get(web.containerId)?.task?.paused).toBe(true);
  expect(one.node.host.running.get(web.containerId)?.paused).toBe(true);
  expect(one.heldCpu()).toBe(1000);
  expect(pause(one, web)).toMatchObject(wrong('is already paused'));
  expect(one.start(web)).toMatchObject(wrong('is paused: unpause it instead'));
  expect(one.remove(web)).toMatchObject(wrong('is paused: unpause it and stop it first, or remove it with force'));
  expect(unpause(one, web)).toEqual(DONE);
  one.instance.run(10);
  expect(one.get(web).task?.paused).toBeUndefined();
  expect(one.node.host.containers.get(web.containerId)?.task).not.toHaveProperty('paused');
  expect(told(one)).toEqual(['task-started', 'task-paused', 'task-unpaused']);
});

test('what the engine refuses changes nothing', () => {
  const one = new OneNode();
  const web = one.started();
  one.node.host.pauseFails = 'the freezer is gone';
  expect(pause(one, web)).toMatchObject({ ok: false, error: { code: 'engine-failed', message: 'the freezer is gone' } });
  expect([one.get(web).task?.paused, told(one)]).toEqual([undefined, ['task-started']]);
  one.node.host.pauseFails = undefined;
  expect(pause(one, web)).toEqual(DONE);
});

test.each([
  ['stop', (one: OneNode, web: Request) => one.stop(web), 143],
  ['KILL', (one: OneNode, web: Request) => one.kill(web, 'KILL'), 137],
  ['its own end', (one: OneNode, web: Request) => (one.exit(web, 1), DONE), 1],
])('%s ends a paused task, and the pause with it', (_, end, exitCode) => {
  const one = new OneNode();
  const web = one.started();
  pause(one, web);
  expect(end(one, web)).toEqual(DONE);
  one.instance.run(50);
  expect(one.get(web).task).toMatchObject({ state: 'exited', exitCode });
  expect(one.get(web).task).not.toHaveProperty('paused');
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web).task?.paused).toBeUndefined();
});

test('a signal that ends nothing leaves it paused', () => {
  const one = new OneNode();
  const web = one.started();
  pause(one, web);
  expect(one.kill(web, 'USR1')).toEqual(DONE);
  expect(one.get(web).task).toMatchObject({ state: 'running', paused: true });
});

test('a signal that is to end it unpauses it, else it would never hear of it', () => {
  const one = new OneNode();
  const web = one.started();
  pause(one, web);
  expect(one.kill(web, 'TERM')).toEqual(DONE);
  expect(one.get(web).task).toMatchObject({ state: 'running' });
  expect([one.get(web).task?.paused, one.node.host.running.get(web.containerId)?.paused]).toEqual([undefined, false]);
  pause(one, web);
  one.node.host.pauseFails = 'the freezer is gone';
  expect(one.kill(web, 'TERM')).toMatchObject({ ok: false, error: { code: 'engine-failed', changed: true } });
  expect(one.get(web).task?.paused).toBe(true);
});

test('one that ignores its stop signal goes on, and is not shown as paused', () => {
  const one = new OneNode();
  const web = one.started();
  pause(one, web);
  one.node.host.stubborn = true;
  one.instance.command(one.node, { kind: 'stop', containerId: web.containerId, timeoutMs: -1, signal: undefined });
  one.instance.run(100);
  expect(one.get(web).task).toMatchObject({ state: 'running' });
  expect([one.get(web).task?.paused, told(one).at(-1)]).toEqual([undefined, 'task-unpaused']);
});

test('a paused one is removed with force', () => {
  const one = new OneNode();
  const web = one.started();
  pause(one, web);
  expect(one.remove(web, true)).toEqual(DONE);
  expect([one.node.node.containers(), one.heldCpu()]).toEqual([[], 0]);
});

test('one between two starts has nothing to pause', () => {
  const one = new OneNode();
  const web = one.started({ restart: { name: 'always', maximumRetries: 0 } });
  one.exit(web, 1);
  expect(one.get(web).task?.state).toBe('exited');
  expect(pause(one, web)).toMatchObject(wrong('is restarting, wait until it runs'));
});

test('an end that is seen while it is being paused counts', () => {
  const one = new OneNode();
  const web = one.started({ restart: { name: 'always', maximumRetries: 0 } });
  const id = one.instance.command(one.node, { kind: 'pause', containerId: web.containerId });
  one.instance.exit(one.node, web.containerId, 3);
  one.instance.run(50);
  expect(one.instance.result(id)).toMatchObject({ ok: false, error: { code: 'wrong-state' } });
  expect(one.get(web).task).toMatchObject({ state: 'exited', exitCode: 3 });
  one.instance.run(200);
  expect(one.get(web).task).toMatchObject({ state: 'running' });
});

test('a restart of the node learns from the engine what is paused', () => {
  const one = new OneNode();
  const [web, db] = [one.started({ name: 'web' }), one.started({ name: 'db' })];
  pause(one, web);
  one.restart({ reboot: false });
  expect([one.get(web).task?.paused, one.get(db).task?.paused]).toEqual([true, undefined]);
  // Done by the engine while nobody looked.
  for (const [id, run] of one.node.host.running) one.node.host.running.set(id, { ...run, paused: !run.paused });
  one.restart({ reboot: false });
  one.instance.run(10);
  expect([one.get(web).task?.paused, one.get(db).task?.paused]).toEqual([undefined, true]);
  expect(one.node.host.containers.get(db.containerId)?.task?.paused).toBe(true);
  one.restart({ reboot: true });
  expect([one.get(web).task?.paused, one.get(db).task]).toMatchObject([undefined, { state: 'exited', exitCode: 255 }]);
  expect(one.get(db).task).not.toHaveProperty('paused');
});
