import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EnginePaths } from '../engine-paths.ts';
import { Runtime } from '../runtime.ts';
import { ConmonExec } from './conmon-exec.ts';

const noConmon = (): ConmonExec =>
  new ConmonExec('/nonexistent/conmon', {
    containerId: 'a',
    runtime: new Runtime('runc', '/nonexistent/runc', '/nonexistent/root'),
    paths: new EnginePaths('/nonexistent/data', '/nonexistent/run').exec('x'),
    tty: false,
    stdin: false,
  });

test('a conmon that can’t be run is a failure of the exec, also when nobody has waited for it yet', async () => {
  const conmon = noConmon();
  for (let each = 0; each < 5; each++) await turn();
  await expect(conmon.start(() => undefined)).rejects.toThrow(/can't run conmon: .*ENOENT/);
});

test('one that has ended by itself can be abandoned', async () => {
  const conmon = noConmon();
  for (let each = 0; each < 5; each++) await turn();
  await expect(conmon.abandon()).resolves.toBeUndefined();
});
