/** The life of containers on one node: commands, restart policies, and what a restart of the node makes of them. */
import { expect, test } from 'vitest';
import { taskId } from '../model/index.ts';
import type { Command, Request, RestartPolicy, Result } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';

const DONE: Result = { ok: true, kind: 'done' };

class One {
  readonly instance = new TestInstance(5);
  readonly node: TestNode = this.instance.add(room(2, 512));

  constructor() {
    this.instance.run(1_000);
  }

  create(change: Partial<Request> = {}, amount = room(1, 256)): Request {
    const request = this.instance.request(amount, change);
    expect(this.ask({ kind: 'run', request, exclude: [] })).toMatchObject({ ok: true, kind: 'placed' });
    return request;
  }

  started(change: Partial<Request> = {}): Request {
    const request = this.create(change);
    expect(this.start(request)).toEqual(DONE);
    return request;
  }

  ask(command: Command): Result {
    return this.instance.ask(this.node, command);
  }

  start({ containerId }: Request): Result {
    return this.ask({ kind: 'start', containerId });
  }

  stop({ containerId }: Request): Result {
    return this.ask({ kind: 'stop', containerId, timeoutMs: undefined, signal: undefined });
  }

  kill({ containerId }: Request, signal: string): Result {
    return this.ask({ kind: 'kill', containerId, signal });
  }

  remove({ containerId }: Request, force = false): Result {
    return this.ask({ kind: 'remove', containerId, force });
  }

  exit({ containerId }: Request, code: number): void {
    this.instance.exit(this.node, containerId, code);
    this.instance.run(50);
  }

  get(request: Request) {
    const container = this.node.node.container(request.containerId);
    if (container === undefined) throw new Error('it is gone');
    return container;
  }

  heldCpu(): number {
    return this.node.node.resources().held.cpuMillicores;
  }

  restart(options: { readonly reboot: boolean }, change = {}): void {
    this.instance.crash(this.node, options);
    this.instance.run(100);
    this.instance.restart(this.node, change);
  }
}

const restart = (name: RestartPolicy['name'], maximumRetries = 0): { restart: RestartPolicy } => ({ restart: { name, maximumRetries } });

test('start, stop, start again, remove: states, answers, resources', () => {
  const one = new One();
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
  const one = new One();
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
  const one = new One();
  const web = one.create();
  one.instance.run(599_000);
  expect(one.heldCpu()).toBe(1000);
  one.instance.run(2_000);
  expect(one.heldCpu()).toBe(0);
  expect(one.node.host.containers.get(web.containerId)?.holding).toBe(false);
  expect(one.start(web)).toEqual(DONE);
  expect(one.heldCpu()).toBe(1000);
});

test('restart policies: no, on-failure with a bound, always, and a stop that ends them all', () => {
  const one = new One();
  const no = one.started(restart('no'));
  one.exit(no, 1);
  one.instance.run(5_000);
  expect(one.get(no)).toMatchObject({ taskNumber: 1, holding: false, task: { state: 'exited', exitCode: 1 } });
  one.remove(no);

  const thrice = one.started(restart('on-failure', 3));
  for (let i = 0; i < 4; i++) {
    one.exit(thrice, 7);
    one.instance.run(2_000);
  }
  expect(one.get(thrice)).toMatchObject({ restartCount: 3, taskNumber: 4, holding: false, task: { state: 'exited', exitCode: 7 } });
  expect(one.start(thrice)).toEqual(DONE);
  expect(one.get(thrice)).toMatchObject({ restartCount: 0 });
  one.exit(thrice, 0);
  one.instance.run(5_000);
  expect(one.get(thrice)).toMatchObject({ taskNumber: 5, holding: false });
  one.remove(thrice);

  const always = one.started(restart('always'));
  one.exit(always, 0);
  one.instance.run(1_000);
  expect(one.get(always)).toMatchObject({ taskNumber: 2, restartCount: 1, task: { state: 'running' } });
  expect(one.stop(always)).toEqual(DONE);
  one.instance.run(120_000);
  expect(one.get(always)).toMatchObject({ taskNumber: 2, holding: false, desired: 'stopped' });
});

test('back-off doubles from 100 ms to a minute, holds its resources, and starts afresh after ten seconds of running', () => {
  const one = new One();
  const web = one.started(restart('always'));
  const delays: (number | undefined)[] = [];
  for (let i = 0; i < 12; i++) {
    one.exit(web, 1);
    expect(one.heldCpu()).toBe(1000);
    const last = one.instance.events.findLast((event) => event.kind === 'task-exited');
    delays.push(last?.restartAfterMs);
    one.instance.run((last?.restartAfterMs ?? 0) + 100);
  }
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
  one.instance.run(11_000);
  one.exit(web, 1);
  expect(one.instance.events.findLast((event) => event.kind === 'task-exited')).toMatchObject({ restartAfterMs: 100 });
});

test('during back-off: start starts now, stop ends it, remove needs force', () => {
  const one = new One();
  const web = one.started(restart('always'));
  for (let i = 0; i < 6; i++) {
    one.exit(web, 1);
    if (i < 5) one.instance.run(4_000);
  }
  expect(one.get(web).task?.state).toBe('exited');
  expect(one.remove(web)).toMatchObject({ ok: false, error: { code: 'wrong-state' } });
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ restartCount: 0, task: { state: 'running' } });
  one.exit(web, 1);
  expect(one.stop(web)).toEqual(DONE);
  expect(one.heldCpu()).toBe(0);
  one.instance.run(10_000);
  expect(one.get(web)).toMatchObject({ holding: false, task: { state: 'exited' } });
});

test('signals: HUP leaves the policy in force, KILL ends it', () => {
  const one = new One();
  const web = one.started(restart('always'));
  expect(one.kill(web, 'HUP')).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ desired: 'running', task: { state: 'running' } });
  expect(one.kill(web, 'KILL')).toEqual(DONE);
  one.instance.run(5_000);
  expect(one.get(web)).toMatchObject({ desired: 'stopped', holding: false, task: { state: 'exited', exitCode: 137 } });
});

test('a kill overtakes a stop that waits; commands given at once are all answered', () => {
  const one = new One();
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
  const one = new One();
  const web = one.started();
  one.node.host.stubborn = true;
  expect(one.stop(web)).toMatchObject({ ok: false, error: { code: 'engine-failed', changed: true } });
  expect(one.get(web).task?.state).toBe('running');
});

test('autoRemove: gone when it ends, and when it can not start', () => {
  const one = new One();
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

test('a start that fails is said, gives the room back, and can be repeated', () => {
  const one = new One();
  const web = one.create(restart('always'));
  one.node.host.startFails = 'exec: no such file';
  expect(one.start(web)).toMatchObject({ ok: false, error: { code: 'engine-failed' } });
  expect(one.get(web)).toMatchObject({ desired: 'created', holding: false, task: { state: 'failed', error: 'exec: no such file' } });
  one.node.host.startFails = undefined;
  expect(one.start(web)).toEqual(DONE);
  expect(one.get(web)).toMatchObject({ taskNumber: 2, task: { state: 'running' } });
});

test('a full disk refuses commands and changes nothing', () => {
  const one = new One();
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

test('after a crash of the daemon: what runs is kept and counted before anything is admitted', () => {
  const one = new One();
  const web = one.started(restart('always'));
  const idle = one.create({ name: 'idle' }, room(0.5, 64));
  one.restart({ reboot: false }, { capacity: room(1, 256) });
  expect(one.node.node.resources()).toMatchObject({ held: room(1.5, 320), free: room(0, 0) });
  expect(one.node.host.starts).toHaveLength(1);
  expect(one.get(web)).toMatchObject({ taskNumber: 1, task: { state: 'running' } });
  expect(one.get(idle)).toMatchObject({ holding: true, task: undefined });
});

test('after a reboot: what should run does, by policy, asking nobody', () => {
  const one = new One();
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
  const one = new One();
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
  const one = new One();
  one.node.host.createMs = 5_000;
  const half = one.instance.request(room(0.5, 64));
  one.instance.command(one.node, { kind: 'run', request: half, exclude: [] });
  one.instance.run(1_000);
  one.node.host.createMs = 20;
  one.restart({ reboot: false });
  one.instance.run(100);
  expect(one.get(half)).toMatchObject({ readiness: 'ready', desired: 'created', holding: true });

  one.node.host.running.set(half.containerId, { taskId: taskId(half.containerId, 1), pid: 7, startedAtMs: 1 });
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

test('an end that is seen before the answer to the start counts once, and the start is answered', () => {
  const one = new One();
  const web = one.create(restart('on-failure', 1));
  const { containerId } = web;
  const id = one.instance.command(one.node, { kind: 'start', containerId });
  one.instance.run(1.5);
  one.node.node.observe(silent(one), {
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

function silent(one: One) {
  const nothing = (): void => {};
  const { nowMs, random } = one.instance;
  return { nowMs, wallMs: 1, random, send: nothing, setTimer: nothing, perform: nothing, reply: nothing, emit: nothing };
}
