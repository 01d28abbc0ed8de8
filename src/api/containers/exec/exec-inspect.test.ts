import { expect, it } from 'vitest';
import { containerId, taskId } from '../../../core/model/index.ts';
import { execInspect } from './exec-inspect.ts';
import type { ExecState } from './exec-registry.ts';
import { execWish } from './exec-wish.ts';

it.each<[ExecState, boolean, number | null, number]>([
  [{ kind: 'created' }, false, null, 0],
  [{ kind: 'starting' }, true, null, 0],
  [{ kind: 'ended', exitCode: 3, pid: 7, endedAtMs: 1 }, false, 3, 7],
])('shows an exec that is %j', (state, Running, ExitCode, Pid) => {
  const container = containerId('c'.repeat(64));
  const exec = { id: 'e'.repeat(64), container, task: taskId(container, 1), wish: execWish({ Cmd: ['true'] }), size: undefined, state };
  expect(execInspect(exec)).toMatchObject({ Running, ExitCode, Pid });
});
