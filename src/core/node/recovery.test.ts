/** What a restart of the node makes of the containers that it kept. */
import { expect, test } from 'vitest';
import { taskId } from '../model/index.ts';
import type { Request, RestartPolicy } from '../model/index.ts';
import { SUPPLIER } from '../supplier/tunables.ts';
import { OneNode } from './one-node.ts';
import { room } from './test-instance.ts';

const restart = (name: RestartPolicy['name'], maximumRetries = 0): { restart: RestartPolicy } => ({ restart: { name, maximumRetries } });

test('after a crash of the daemon: what runs is kept and counted before anything is admitted', () => {
  const one = new OneNode();
  const web = one.started(restart('always'));
  const idle = one.create({ name: 'idle' }, room(0.5, 64));
  one.restart({ reboot: false }, { capacity: room(1, 256) });
  expect(one.node.node.resources()).toMatchObject({ held: room(1.5, 320), free: room(0, 0) });
  expect(one.node.host.starts).toHaveLength(1);
  expect(one.get(web)).toMatchObject({ taskNumber: 1, task: { state: 'running' } });
  expect(one.get(idle)).toMatchObject({ holding: true, task: undefined });
});

test('after a reboot: what should run does, by policy, asking nobody', () => {
  const one = new OneNode();
  const small = room(0.2, 32);
  const all = (['always', 'unless-stopped', 'on-failure', 'no'] as const).map((name) => {
    const request = one.create(restart(name), small);
    one.start(request);
    return request;
  });
  const [always, unless, onFailure, no] = all as [Request, Request, Request, Request];
  const stopped = one.create(restart('unless-stopped'), small);
  one.start(stopped);
  one.stop(stopped);
  const stoppedAlways = one.create(restart('always'), small);
  one.start(stoppedAlways);
  one.stop(stoppedAlways);
  one.restart({ reboot: true });
  one.instance.run(1_000);
  for (const request of [always, unless, onFailure, stoppedAlways]) {
    expect(one.get(request)).toMatchObject({ taskNumber: 2, holding: true, task: { state: 'running' } });
  }
  expect(one.get(no)).toMatchObject({ taskNumber: 1, holding: false, task: { state: 'exited', exitCode: 255 } });
  expect(one.get(stopped)).toMatchObject({ taskNumber: 1, holding: false, task: { state: 'exited' } });
});

test('what ended while the daemon was down goes by policy, with its exit code', () => {
  const one = new OneNode();
  const web = one.started(restart('on-failure'));
  const job = one.create({ name: 'job', autoRemove: true }, room(0.5, 64));
  one.start(job);
  one.instance.crash(one.node);
  one.instance.exit(one.node, web.containerId, 3);
  one.instance.exit(one.node, job.containerId, 0);
  one.instance.run(10);
  one.instance.restart(one.node);
  one.instance.run(1_000);
  expect(one.instance.events).toContainEqual(
    expect.objectContaining({ kind: 'task-exited', taskId: taskId(web.containerId, 1), exitCode: 3, restartAfterMs: 100 }),
  );
  expect(one.get(web)).toMatchObject({ taskNumber: 2, task: { state: 'running' } });
  expect(one.node.host.containers.has(job.containerId)).toBe(false);
});

test('a crash in the middle of a launch, a start, a removal: picked up where it was', () => {
  const one = new OneNode();
  one.node.host.createMs = 5_000;
  const half = one.instance.request(room(0.5, 64));
  one.instance.command(one.node, { kind: 'run', request: half, exclude: [] });
  one.instance.run(1_000);
  one.node.host.createMs = 20;
  one.restart({ reboot: false });
  one.instance.run(100);
  expect(one.get(half)).toMatchObject({ readiness: 'ready', desired: 'created', holding: true });

  one.node.host.running.set(half.containerId, { taskId: taskId(half.containerId, 1), pid: 7, startedAtMs: 1, paused: false });
  one.restart({ reboot: false });
  expect(one.get(half)).toMatchObject({ task: { state: 'running', pid: 7 } });
  expect(one.heldCpu()).toBe(500);

  one.instance.command(one.node, { kind: 'remove', containerId: half.containerId, force: true });
  one.instance.run(1.5);
  expect(one.node.host.containers.get(half.containerId)?.desired).toBe('removed');
  one.restart({ reboot: false });
  one.instance.run(100);
  expect(one.node.host.containers.size).toBe(0);
  expect(one.node.host.made.size).toBe(0);
  expect(one.heldCpu()).toBe(0);
});

test('an end that a full disk kept from being written still gives its room back, also after a crash', () => {
  const one = new OneNode();
  const ended = one.started(restart('no'));
  const removed = one.create({ name: 'removed' }, room(0.5, 64));
  one.node.host.storeFails = true;
  one.exit(ended, 0);
  expect(one.remove(removed)).toMatchObject({ ok: false, error: { code: 'store-failed' } });
  one.node.host.storeFails = false;
  expect(one.node.host.containers.get(ended.containerId)).toMatchObject({ holding: true, task: { state: 'running' } });
  one.create({ name: 'next' }, room(1.5, 256));
  one.restart({ reboot: false });
  one.instance.run(1_000);
  expect(one.node.node.resources().held).toEqual(room(2, 320));
  expect(one.get(ended)).toMatchObject({ holding: false, task: { state: 'exited' } });
});

test('a stop that was answered is durable as soon as the disk takes it, though its record failed and the end came first', () => {
  const one = new OneNode();
  const web = one.started({ restart: { name: 'always', maximumRetries: 0 } });
  one.node.host.storeFails = true;
  one.instance.exit(one.node, web.containerId, 0);
  const id = one.instance.command(one.node, { kind: 'stop', containerId: web.containerId, timeoutMs: undefined, signal: undefined });
  one.instance.run(50);
  expect(one.instance.result(id)).toMatchObject({ ok: true });
  expect(one.get(web)).toMatchObject({ desired: 'stopped', holding: false });
  one.node.host.storeFails = false;
  one.instance.run(SUPPLIER.storeRetryMs);
  expect(one.node.host.containers.get(web.containerId)).toEqual(one.get(web));
});

test('a removal that a full disk cuts short again after a restart leaves a container that does not count as running', () => {
  const one = new OneNode();
  const { host } = one.node;
  const { containerId } = one.started(restart('no'));
  const stored = host.containers.get(containerId);
  if (stored === undefined) throw new Error('it is not stored');
  host.containers.set(containerId, { ...stored, desired: 'removed' });
  host.storeFails = true;
  one.restart({ reboot: true });
  one.instance.run(1_000);
  host.storeFails = false;
  one.instance.run(SUPPLIER.storeRetryMs);
  expect(host.containers.get(containerId)).toMatchObject({ desired: 'removed', task: { state: 'exited' } });
  expect(one.heldCpu()).toBe(0);
});
