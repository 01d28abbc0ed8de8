import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { taskId } from '../../../core/model/index.ts';
import { identify } from '../../../linux/process-identity.ts';
import { A } from '../../contract.test-suite.ts';
import { containerSpec } from '../../spec.test-suite.ts';
import { Containers } from '../containers.ts';
import { EnginePaths } from '../engine-paths.ts';
import { HeldContainer } from '../held-container.ts';
import type { ContainerRecord, RunningTask } from '../record.ts';
import { OciVolumes } from '../volumes/oci-volumes.ts';
import { OciFiles } from './oci-files.ts';

test('a container that ends while its export begins is exported as it ended, not as the empty place its root was mounted on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-export-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const paths = new EnginePaths(join(dir, 'data'), join(dir, 'run'));
  const { upper, work, logDir } = paths.container(A);
  const layer = join(dir, 'layer');
  for (const each of [upper, work, logDir, layer, paths.bundle(A).rootfs]) mkdirSync(each, { recursive: true });
  writeFileSync(join(upper, 'written'), 'by the container');
  const process_ = identify(process.pid);
  if (process_ === undefined) throw new Error('this process is not alive');
  const task = { taskId: taskId(A, 1), runtime: 'runc' } as const;
  const running: RunningTask = { ...task, phase: 'running', bootId: 'b', init: process_, conmon: process_, startedAtMs: 0 };
  const record: ContainerRecord = {
    version: 1,
    id: A,
    spec: containerSpec(),
    imageId: 'sha256:1',
    layerDirs: [layer],
    process: {
      argv: ['x'],
      entrypoint: [],
      command: ['x'],
      env: [],
      workingDir: '/',
      user: '',
      hostname: 'a',
      stopSignal: 'TERM',
      labels: {},
    },
  };
  const held = new HeldContainer(record, running);
  const containers = new Containers();
  containers.add(held);
  const volumes = new OciVolumes(join(dir, 'volumes'), () => undefined);
  const files = new OciFiles({ host: { paths }, containers, volumes, images: { inspect: async () => undefined } });
  const exporting = files.exportRoot(A, new AbortController().signal);
  held.become({ ...task, phase: 'exited', exitCode: 0, oomKilled: false, finishedAtMs: 1 });
  const tar = await buffer(await exporting);
  expect(tar.toString('latin1')).toContain('by the container');
});
