/** Update: never more than there is room for, never half. */
import { describe, expect, test } from 'vitest';
import type { Request, Resources, RestartPolicy, Result } from '../model/index.ts';
import { OneNode } from './one-node.ts';
import { room } from './test-instance.ts';
import { instanceOf, firstOf, placed } from './test-words.ts';

const DONE: Result = { ok: true, kind: 'done' };
const NO: RestartPolicy = { name: 'no', maximumRetries: 0 };

const updateOf = ({ containerId }: Request, resources: Resources, restart = NO) =>
  ({ kind: 'update', containerId, resources, restart, spec: JSON.stringify(resources) }) as const;
const update = (one: OneNode, request: Request, resources: Resources, restart = NO): Result =>
  one.ask(updateOf(request, resources, restart));
const specOf = (one: OneNode, { containerId }: Request) => one.node.host.specs.get(containerId);

describe('other limits', () => {
  test('take hold at once, in the engine, the record and what is free', () => {
    const one = new OneNode();
    const web = one.started();
    expect(update(one, web, room(1.5, 384))).toEqual(DONE);
    expect(one.get(web).request).toMatchObject({ resources: room(1.5, 384), spec: JSON.stringify(room(1.5, 384)) });
    expect(one.node.host.containers.get(web.containerId)).toMatchObject({ request: { resources: room(1.5, 384) }, updating: undefined });
    expect([one.heldCpu(), specOf(one, web)]).toEqual([1500, JSON.stringify(room(1.5, 384))]);
    expect(one.instance.events.at(-1)).toEqual({
      kind: 'container-updated',
      containerId: web.containerId,
      resources: room(1.5, 384),
    });
    expect(update(one, web, room(0.5, 64))).toEqual(DONE);
    expect(one.node.node.resources()).toMatchObject({ held: room(0.5, 64), free: room(1.5, 448) });
    one.restart({ reboot: false });
    expect(one.node.node.resources().held).toEqual(room(0.5, 64));
  });

  test('for which there is no room are refused with numbers, and change nothing', () => {
    const one = new OneNode();
    const web = one.started();
    one.create({ name: 'other' }, room(0.75, 128));
    expect(update(one, web, room(1.5, 64))).toMatchObject({
      ok: false,
      error: { code: 'no-room', message: expect.stringContaining('needs 1.5 CPUs, 1.25 free'), changed: false },
    });
    expect(update(one, web, room(0.5, 512))).toMatchObject({
      ok: false,
      error: { code: 'no-room', message: expect.stringContaining('needs 512 MiB, 384 MiB free') },
    });
    expect([one.get(web).request.resources, one.heldCpu(), specOf(one, web)]).toEqual([room(1, 256), 1750, web.spec]);
    expect(update(one, web, room(1.25, 384))).toEqual(DONE);
  });

  test('count what is held for a run that is under way', () => {
    const instance = instanceOf(2, room(1, 256));
    const [first, second] = [firstOf(instance), instance.nodes[1]];
    const request = instance.request(room(0.25, 64));
    const { supplier } = placed(instance.ask(first, { kind: 'run', request, exclude: [second?.record.id ?? first.record.id] }));
    const node = instance.byId(supplier);
    const buyer = instance.nodes.find(({ record }) => record.id !== supplier);
    expect(buyer).toBeDefined();
    instance.drop = (_from, _to, { kind }) => kind === 'accept';
    const exclude = instance.nodes.map(({ record }) => record.id).filter((id) => id !== supplier);
    instance.command(buyer ?? node, { kind: 'run', request: instance.request(room(0.5, 64)), exclude });
    instance.run(60);
    expect(node.node.resources().holds).toBe(1);
    expect(instance.ask(node, updateOf(request, room(0.75, 64)))).toMatchObject({ ok: false, error: { code: 'no-room' } });
    expect(instance.ask(node, updateOf(request, room(0.5, 64)))).toEqual(DONE);
  });

  test('of one that holds nothing are asked for at its start; more than the node has, never', () => {
    const one = new OneNode();
    const web = one.started();
    one.stop(web);
    const other = one.started({ name: 'other' });
    expect(update(one, web, room(2.5, 256))).toMatchObject({ ok: false, error: { code: 'no-room' } });
    expect(update(one, web, room(1.5, 256))).toEqual(DONE);
    expect([one.heldCpu(), specOf(one, web)]).toEqual([1000, JSON.stringify(room(1.5, 256))]);
    expect(one.start(web)).toMatchObject({ ok: false, error: { code: 'no-room', message: expect.stringContaining('needs 1.5 CPUs') } });
    one.remove(other, true);
    expect(one.start(web)).toEqual(DONE);
    expect(one.heldCpu()).toBe(1500);
  });

  test('that no message could carry are refused', () => {
    const one = new OneNode();
    const web = one.started();
    for (const bad of [room(-1, 64), room(0.0005, 64), { cpuMillicores: Number.NaN, memoryBytes: 1 }]) {
      expect(update(one, web, bad)).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
    }
    expect(one.heldCpu()).toBe(1000);
  });
});

describe('what fails', () => {
  test('in the engine leaves all as it was', () => {
    const one = new OneNode();
    const web = one.started();
    one.node.host.updateFails = 'device or resource busy';
    for (const wanted of [room(1.5, 384), room(0.5, 64)]) {
      expect(update(one, web, wanted)).toMatchObject({ ok: false, error: { code: 'engine-failed', message: 'device or resource busy' } });
      one.instance.run(10);
      expect([one.get(web).request, one.heldCpu()]).toEqual([web, 1000]);
      expect(one.node.host.containers.get(web.containerId)).toMatchObject({ request: web, updating: undefined });
    }
    expect(one.stop(web)).toEqual(DONE);
  });

  test('on the disk before it begins is not begun', () => {
    const one = new OneNode();
    const web = one.started();
    one.node.host.storeFails = true;
    expect(update(one, web, room(1.5, 384))).toMatchObject({ ok: false, error: { code: 'store-failed' } });
    expect([one.get(web).request, one.heldCpu(), specOf(one, web)]).toEqual([web, 1000, web.spec]);
  });

  test('on the disk once the engine has it is taken back', () => {
    const one = new OneNode();
    const web = one.started();
    const id = one.instance.command(one.node, updateOf(web, room(0.5, 64)));
    one.instance.run(1.5);
    one.node.host.storeFails = true;
    one.instance.run(20);
    expect(one.instance.result(id)).toMatchObject({ ok: false, error: { code: 'store-failed', changed: false } });
    expect([one.get(web).request, one.heldCpu(), specOf(one, web)]).toEqual([web, 1000, web.spec]);
    one.node.host.storeFails = false;
    one.instance.run(6_000);
    expect(one.node.host.containers.get(web.containerId)).toMatchObject({ request: web, updating: undefined });
  });

  test('and can’t be taken back counts as it is', () => {
    const one = new OneNode();
    const web = one.started();
    const id = one.instance.command(one.node, updateOf(web, room(1.5, 384)));
    one.instance.run(1.5);
    one.node.host.storeFails = true;
    one.instance.run(1);
    one.node.host.updateFails = 'device or resource busy';
    one.instance.run(20);
    expect(one.instance.result(id)).toMatchObject({ ok: false, error: { code: 'store-failed', changed: true } });
    expect(one.heldCpu()).toBe(1500);
    one.node.host.storeFails = false;
    one.instance.run(6_000);
    expect(one.node.host.containers.get(web.containerId)).toMatchObject({ request: { resources: room(1.5, 384) }, updating: undefined });
  });

  test('with the node leaves the record’s limits in force', () => {
    const one = new OneNode();
    const web = one.started();
    one.instance.command(one.node, updateOf(web, room(1.5, 384)));
    // The engine has it, the record does not.
    one.instance.run(2.5);
    expect(specOf(one, web)).toBe(JSON.stringify(room(1.5, 384)));
    one.restart({ reboot: false });
    // Until the engine has taken that, all it may use counts.
    expect(one.heldCpu()).toBe(1500);
    one.node.host.updateFails = 'device or resource busy';
    one.instance.run(50);
    expect(one.heldCpu()).toBe(1500);
    one.node.host.updateFails = undefined;
    one.instance.run(6_000);
    expect([one.get(web).request, one.heldCpu(), specOf(one, web)]).toEqual([web, 1000, web.spec]);
    expect(one.node.host.containers.get(web.containerId)).toMatchObject({ updating: undefined, task: { state: 'running' } });
    expect(update(one, web, room(1.5, 384))).toEqual(DONE);
  });
});

describe('the restart policy', () => {
  test('is another for the next end, without the engine', () => {
    const one = new OneNode();
    const web = one.started();
    const always: RestartPolicy = { name: 'always', maximumRetries: 0 };
    expect(one.ask({ ...updateOf(web, web.resources, always), spec: web.spec })).toEqual(DONE);
    expect(one.node.host.containers.get(web.containerId)?.request.restart).toEqual(always);
    one.exit(web, 0);
    one.instance.run(200);
    expect(one.get(web).task?.state).toBe('running');
    expect(one.ask({ ...updateOf(web, web.resources), spec: web.spec })).toEqual(DONE);
    one.exit(web, 0);
    one.instance.run(200);
    expect(one.get(web)).toMatchObject({ task: { state: 'exited' }, holding: false });
  });

  test('that restarts is none for one that removes itself', () => {
    const one = new OneNode();
    const web = one.started({ autoRemove: true });
    expect(update(one, web, room(1, 256), { name: 'always', maximumRetries: 0 })).toMatchObject({
      ok: false,
      error: { code: 'invalid-request', message: expect.stringContaining('--rm') },
    });
    expect(update(one, web, room(0.5, 256))).toEqual(DONE);
  });
});

describe('meanwhile', () => {
  test('a back-off goes on, and is over when it is over', () => {
    const one = new OneNode();
    const web = one.started({ restart: { name: 'always', maximumRetries: 0 } });
    for (const afterMs of [10, 99]) {
      one.exit(web, 1);
      one.instance.run(afterMs - 50 > 0 ? afterMs - 50 : 0);
      expect(one.get(web).task?.state).toBe('exited');
      expect(update(one, web, room(0.5, 64), { name: 'always', maximumRetries: 0 })).toEqual(DONE);
      one.instance.run(300);
      expect(one.get(web).task?.state).toBe('running');
    }
  });

  test('an end that is seen counts, and what was asked happens', () => {
    const one = new OneNode();
    const web = one.started();
    const id = one.instance.command(one.node, updateOf(web, room(0.5, 64)));
    one.instance.exit(one.node, web.containerId, 0);
    const stop = one.instance.command(one.node, { kind: 'remove', containerId: web.containerId, force: false });
    one.instance.run(100);
    expect([one.instance.result(id), one.instance.result(stop)]).toEqual([DONE, DONE]);
    expect([one.node.node.containers(), one.heldCpu()]).toEqual([[], 0]);
  });

  test('one that was never started still gives its room back in time', () => {
    const one = new OneNode();
    const web = one.create();
    one.instance.run(599_000);
    expect(update(one, web, room(0.5, 64))).toEqual(DONE);
    one.instance.run(2_000);
    expect(one.heldCpu()).toBe(0);
    expect(update(one, web, room(1, 128))).toEqual(DONE);
    expect(one.heldCpu()).toBe(0);
  });
});

test('a removal takes the volumes along where that is asked for, also after a crash, and always with --rm', () => {
  const one = new OneNode();
  const [web, db, job] = [
    one.create({ name: 'web' }, room(0.1, 16)),
    one.create({ name: 'db' }, room(0.1, 16)),
    one.create({ name: 'job', autoRemove: true }, room(0.1, 16)),
  ];
  const { withVolumes } = one.node.host;
  expect(one.remove(web)).toEqual(DONE);
  expect([...withVolumes]).toEqual([]);
  one.instance.command(one.node, { kind: 'remove', containerId: db.containerId, force: false, volumes: true });
  one.instance.run(1.5);
  expect(one.get(db)).toMatchObject({ desired: 'removed', volumesToo: true });
  withVolumes.clear();
  one.restart({ reboot: false });
  one.instance.run(50);
  expect([...withVolumes]).toEqual([db.containerId]);
  one.start(job);
  one.exit(job, 0);
  expect([...withVolumes]).toEqual([db.containerId, job.containerId]);
});
