/** Restart policies and their back-off. */
import { expect, test } from 'vitest';
import type { RestartPolicy, Result } from '../model/index.ts';
import { OneNode } from './one-node.ts';

const DONE: Result = { ok: true, kind: 'done' };
const restart = (name: RestartPolicy['name'], maximumRetries = 0): { restart: RestartPolicy } => ({ restart: { name, maximumRetries } });

test('restart policies: no, on-failure with a bound, always, and a stop that ends them all', () => {
  const one = new OneNode();
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
  const one = new OneNode();
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
  const one = new OneNode();
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
