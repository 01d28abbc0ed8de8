import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../../core/model/index.ts';
import { mount, unmount } from '../../linux/mount.ts';
import { A } from '../contract.test-suite.ts';
import type { Exit } from '../port.ts';
import { containerSpec, ON_HOST } from '../spec.test-suite.ts';
import { OciBench } from './oci-bench.test-suite.ts';
import type { OciEngine } from './oci-engine.ts';

/** The data directory has no byte left; the run directory, on tmpfs as everywhere, has. */
let bench: OciBench;
let engine: OciEngine;
let exits: Exit[];

beforeEach(async () => {
  bench = new OciBench();
  exits = [];
  mkdirSync(bench.dataDir);
  mount('tmpfs', bench.dataDir, 'tmpfs', 0, 'size=1m');
  engine = await open();
  await engine.recover(() => true);
});
afterEach(async () => {
  await engine.remove(A);
  unmount(bench.dataDir);
  await bench.destroy();
});

async function open(): Promise<OciEngine> {
  const opened = await bench.open();
  opened.onExit((exit) => exits.push(exit));
  return opened;
}

function fillDisk(): void {
  const fd = openSync(join(bench.dataDir, 'filler'), 'w');
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096));
  } catch {
    // Full.
  } finally {
    closeSync(fd);
  }
}

async function exited(): Promise<Exit> {
  for (;;) {
    if (exits[0] !== undefined) return exits[0];
    await delay(5);
  }
}

describe('a full disk', () => {
  it('keeps no container from ending, from being removed, or from telling its exit code after a restart', async () => {
    await engine.create(A, containerSpec({ command: ['sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.02; done'] }), []);
    await engine.start(A, taskId(A, 1), ON_HOST);
    await delay(100);
    fillDisk();
    await engine.stop(A, 'TERM', 10_000);
    expect(await exited()).toMatchObject({ taskId: taskId(A, 1), exitCode: 7 });
    engine = await open();
    expect(await engine.recover(() => true)).toMatchObject([{ containerId: A, state: 'exited', exit: { exitCode: 7 } }]);
    await engine.remove(A);
  });

  it('does not stop a container that writes to its log', async () => {
    const script = 'for i in $(seq 300); do echo "a line of output that needs some room on the disk $i"; done; sleep 0.2; exit 3';
    await engine.create(A, containerSpec({ command: ['sh', '-c', script] }), []);
    fillDisk();
    rmSync(join(bench.dataDir, 'filler'));
    await engine.start(A, taskId(A, 1), ON_HOST);
    fillDisk();
    expect(await exited()).toMatchObject({ exitCode: 3 });
  });
});
