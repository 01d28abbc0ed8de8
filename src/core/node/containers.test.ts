/** Commands to the containers of one node: their answers, and what they change. */
import { expect, test } from 'vitest';
import { taskId } from '../model/index.ts';
import type { Command, RestartPolicy, Result } from '../model/index.ts';
import { OneNode } from './one-node.ts';
import { room } from './test-instance.ts';

const DONE: Result = { ok: true, kind: 'done' };
const restart = (name: RestartPolicy['name'], maximumRetries = 0): { restart: RestartPolicy } => ({ restart: { name, maximumRetries } });

test('start, stop, start again, remove: states, answers, resources', () => {
  const one = new OneNode();
  const web = one.create();
  expect(one.get(web)).toMatchObject({ desired: 'created', task: undefined, holding: true });
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ desired: 'running', taskNumber: 1, task: { state: 'running', id: taskId(web.containerId, 1) } });
  expect(one.start(web)).toMatchObject({ ok: false, error: { code: 'wrong-state', message: expect.stringContaining('already started') } });
  expect(one.remove(web)).toMatchObject({ ok: false, error: { code: 'wrong-state', message: expect.stringContaining('is running') } });
  expect(one.stop(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ desired: 'stopped', holding: false, task: { state: 'exited', exitCode: 143, pid: 0 } });
  expect(one.heldCpu()).toBe(0);
  expect(one.stop(web)).toMatchObject({ ok: false, error: { code: 'wrong-state', message: expect.stringContaining('already stopped') } });
  expect(one.kill(web, 'KILL')).toMatchObject({ ok: false, error: { code: 'wrong-state' } });
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ taskNumber: 2, holding: true, task: { state: 'running' } });
  expect(one.remove(web, true)).toEqual(DONE);
  expect(one.node.node.containers()).toEqual([]);
  expect(one.node.host.containers.size).toBe(0);
  expect(one.node.host.running.size).toBe(0);
  expect(one.heldCpu()).toBe(0);
  expect(one.start(web)).toMatchObject({ ok: false, error: { code: 'no-such-container' } });
});

test('a stopped container is admitted again, or refused with numbers', () => {
  const one = new OneNode();
  const web = one.started();
  one.stop(web);
  const other = one.create({ name: 'other' }, room(1.5, 64));
  expect(one.start(web)).toMatchObject({
    ok: false,
    error: { code: 'no-room', message: expect.stringContaining('needs 1 CPU, 0.5 free') },
  });
  expect(one.remove(other)).toEqual(DONE);
  expect(one.start(web)).toEqual(DONE);
});

test('one never started gives its resources back after ten minutes, and may still be started', () => {
  const one = new OneNode();
  const web = one.create();
  one.instance.run(599_000);
  expect(one.heldCpu()).toBe(1000);
  one.instance.run(2_000);
  expect(one.heldCpu()).toBe(0);
  expect(one.node.host.containers.get(web.containerId)?.holding).toBe(false);
  expect(one.start(web)).toEqual(DONE);
  expect(one.heldCpu()).toBe(1000);
});

test('signals: HUP leaves the policy in force, KILL ends it', () => {
  const one = new OneNode();
  const web = one.started(restart('always'));
  expect(one.kill(web, 'HUP')).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ desired: 'running', task: { state: 'running' } });
  expect(one.kill(web, 'KILL')).toEqual(DONE);
  one.instance.run(5_000);
  expect(one.get(web)).toMatchObject({ desired: 'stopped', holding: false, task: { state: 'exited', exitCode: 137 } });
});

test('a kill overtakes a stop that waits; commands given at once are all answered', () => {
  const one = new OneNode();
  const web = one.started();
  one.node.host.stubborn = true;
  const { containerId } = web;
  const stop = one.instance.command(one.node, { kind: 'stop', containerId, timeoutMs: 60_000, signal: undefined });
  one.instance.run(100);
  const start = one.instance.command(one.node, { kind: 'start', containerId });
  const kill = one.instance.command(one.node, { kind: 'kill', containerId, signal: 'KILL' });
  one.instance.run(1_000);
  for (const id of [stop, kill, start]) expect(one.instance.result(id)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ taskNumber: 2, task: { state: 'running' } });
  const many = (['stop', 'start', 'remove', 'start'] as const).map((kind) =>
    one.instance.command(one.node, { kind, containerId, timeoutMs: 0, signal: 'KILL', force: true }),
  );
  one.node.host.stubborn = false;
  one.instance.run(1_000);
  expect(many.map((id) => one.instance.result(id).ok)).toEqual([true, false, true, false]);
  expect(one.node.node.containers()).toEqual([]);
});

test('a stop whose end nobody sees is answered at last', () => {
  const one = new OneNode();
  const web = one.started();
  one.node.host.stubborn = true;
  expect(one.stop(web)).toMatchObject({ ok: false, error: { code: 'engine-failed', changed: true } });
  expect(one.get(web).task?.state).toBe('running');
});

test('autoRemove: gone when it ends, and when it can not start', () => {
  const one = new OneNode();
  const web = one.started({ autoRemove: true });
  one.exit(web, 0);
  one.instance.run(100);
  expect(one.node.node.containers()).toEqual([]);
  const bad = one.create({ autoRemove: true });
  one.node.host.startFails = 'exec: no such file';
  expect(one.start(bad)).toMatchObject({ ok: false, error: { code: 'engine-failed', message: 'exec: no such file' } });
  one.instance.run(100);
  expect(one.node.host.containers.size).toBe(0);
  expect(one.heldCpu()).toBe(0);
});

test('autoRemove: one that is stopped to be started again stays, unless somebody stops it for good meanwhile', () => {
  const one = new OneNode();
  const web = one.started({ autoRemove: true });
  const keep: Command = { kind: 'stop', containerId: web.containerId, timeoutMs: undefined, signal: undefined, keep: true };
  expect(one.ask(keep)).toEqual(DONE);
  one.instance.run(100);
  expect(one.get(web)).toMatchObject({ task: { state: 'exited' }, holding: false });
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ taskNumber: 2, task: { state: 'running' } });

  one.instance.command(one.node, keep);
  expect(one.stop(web)).toEqual(DONE);
  one.instance.run(100);
  expect(one.node.node.containers()).toEqual([]);
});

test('autoRemove: what was to be started again goes with the daemon that was to do it', () => {
  const one = new OneNode();
  const web = one.started({ autoRemove: true });
  one.ask({ kind: 'stop', containerId: web.containerId, timeoutMs: undefined, signal: undefined, keep: true });
  one.restart({ reboot: false });
  one.instance.run(1_000);
  expect(one.node.node.containers()).toEqual([]);
});

test('a start that fails is said, gives the room back, and can be repeated', () => {
  const one = new OneNode();
  const web = one.create(restart('always'));
  one.node.host.startFails = 'exec: no such file';
  expect(one.start(web)).toMatchObject({ ok: false, error: { code: 'engine-failed' } });
  expect(one.get(web)).toMatchObject({ desired: 'created', holding: false, task: { state: 'failed', error: 'exec: no such file' } });
  one.node.host.startFails = undefined;
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ taskNumber: 2, task: { state: 'running' } });
});

test('a full disk refuses commands and changes nothing', () => {
  const one = new OneNode();
  const web = one.create();
  one.node.host.storeFails = true;
  expect(one.start(web)).toMatchObject({ ok: false, error: { code: 'store-failed' } });
  expect(one.get(web)).toMatchObject({ desired: 'created', taskNumber: 0, task: undefined, holding: true });
  expect(one.node.host.starts).toEqual([]);
  one.node.host.storeFails = false;
  one.start(web);
  one.node.host.storeFails = true;
  expect(one.stop(web)).toMatchObject({ ok: false, error: { code: 'store-failed' } });
  expect(one.remove(web, true)).toMatchObject({ ok: false, error: { code: 'store-failed' } });
  expect(one.get(web)).toMatchObject({ desired: 'running', task: { state: 'running' } });
  expect(one.node.host.running.size).toBe(1);
});

test('an end that is seen before the answer to the start counts once, and the start is answered', () => {
  const one = new OneNode();
  const web = one.create(restart('on-failure', 1));
  const { containerId } = web;
  const id = one.instance.command(one.node, { kind: 'start', containerId });
  one.instance.run(1.5);
  one.node.node.observe(one.silentTurn(), {
    kind: 'exited',
    containerId,
    taskId: taskId(containerId, 1),
    exitCode: 2,
    oomKilled: false,
    finishedAtMs: 5,
  });
  expect(one.get(web).task?.state).toBe('starting');
  one.instance.run(10);
  expect(one.instance.result(id)).toEqual(DONE);
  expect(one.get(web).task).toMatchObject({ id: taskId(containerId, 1), state: 'exited', exitCode: 2 });
  one.node.host.running.clear();
  one.instance.run(500);
  expect(one.get(web)).toMatchObject({ taskNumber: 2, restartCount: 1, task: { state: 'running' } });
});
