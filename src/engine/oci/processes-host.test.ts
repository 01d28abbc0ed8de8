import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../../core/model/index.ts';
import { detectCgroups, controllerDir } from '../../linux/cgroup.ts';
import { identify, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { A, logOptions } from '../contract.test-suite.ts';
import type { ContainerSpec, ExecSpec, RunningExec } from '../port.ts';
import { containerSpec, ON_HOST } from '../spec.test-suite.ts';
import { EnginePaths } from './engine-paths.ts';
import { OciBench } from './oci-bench.test-suite.ts';
import type { OciEngine } from './oci-engine.ts';
import { findStrays } from './strays.ts';

/** What the contract can't ask of every adapter: the kernel's side of execs, pauses and updates. */
let bench: OciBench;
let engine: OciEngine;
let paths: EnginePaths;

const MIB = 1024 * 1024;
const trees = detectCgroups();

async function open(): Promise<void> {
  engine = await bench.open();
  await engine.recover(() => true);
}
beforeEach(async () => {
  bench = new OciBench();
  paths = new EnginePaths(bench.dataDir, bench.runDir);
  await open();
});
afterEach(async () => {
  await engine.remove(A);
  await bench.destroy();
});

async function start(command: readonly string[] = ['sleep', '60'], change: Partial<ContainerSpec> = {}): Promise<void> {
  await engine.create(A, containerSpec({ command, ...change }), []);
  await engine.start(A, taskId(A, 1), ON_HOST);
}
const exec = (argv: ExecSpec['argv'], change: Partial<ExecSpec> = {}): Promise<RunningExec> =>
  engine.exec(A, { argv, env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false, ...change });
async function outputOf({ output }: RunningExec): Promise<string> {
  let text = '';
  for await (const { data } of output) text += data.toString();
  return text;
}
const run = async (...args: Parameters<typeof exec>): Promise<string> => outputOf(await exec(...args));
async function noneLeft(): Promise<void> {
  while (readdirSync(paths.execs).length > 0) await delay(5);
}

describe('an exec', () => {
  it('has the user’s home, and a terminal’s kind where it has one', async () => {
    await start();
    expect(await run(['sh', '-c', 'echo $HOME $TERM'])).toBe('/root\n');
    expect(await run(['sh', '-c', 'echo $HOME $TERM; id'], { user: 'sailor', tty: true })).toBe(
      '/home/sailor xterm\r\nuid=1001(sailor) gid=1002(crew) groups=1002(crew),1003(deck)\r\n',
    );
    expect(await run(['sh', '-c', 'echo $HOME'], { user: 'sailor', env: ['HOME=/tmp'] })).toBe('/tmp\n');
  });

  it('has the container’s capabilities, none as a user, all when privileged', async () => {
    const eff: ExecSpec['argv'] = ['grep', 'CapEff', '/proc/self/status'];
    await start(undefined, { user: 'sailor', capDrop: ['ALL'], capAdd: ['NET_ADMIN'] });
    expect(await run(eff)).toBe('CapEff:\t0000000000000000\n');
    expect(await run(eff, { user: 'root' })).toBe('CapEff:\t0000000000001000\n');
    const own = /^CapBnd:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0].replace('CapBnd', 'CapEff');
    expect(await run(eff, { user: 'root', privileged: true })).toBe(`${own}\n`);
    expect(await run(['grep', 'Seccomp:', '/proc/self/status'])).toBe('Seccomp:\t2\n');
  });

  it.each([
    [['/etc/passwd'], {}, 'exec: "/etc/passwd": permission denied: unknown'],
    [['/no/such'], {}, 'exec: "/no/such": stat /no/such: no such file or directory: unknown'],
    [['pwd'], { workingDir: '/nope' }, 'no such file or directory: unknown'],
  ] as const)('that can’t start says why: %j', async (argv, change, message) => {
    await start();
    await expect(exec([...argv], change)).rejects.toThrow(message);
    expect(readdirSync(paths.execs)).toEqual([]);
    expect(findStrays(paths).filter(({ kind }) => kind === 'exec')).toEqual([]);
  });

  it('leaves nothing when it has ended, and does not wait for what it left running', async () => {
    await start();
    const running = await exec(['sh', '-c', 'sleep 60 & echo begun']);
    expect(await outputOf(running)).toBe('begun\n');
    expect(await running.exitCode).toBe(0);
    await noneLeft();
    expect((await engine.top(A, [])).processes).toHaveLength(2);
  });

  it('is ended when nobody watches it any more', async () => {
    await start();
    const running = await exec(['sleep', '50']);
    const process = identify(running.pid);
    const conmon = findStrays(paths).find(({ kind }) => kind === 'exec')?.process;
    if (conmon === undefined || process === undefined) throw new Error('there should be both');
    signalProcess(conmon, SIGKILL);
    expect(await running.exitCode).toBe(137);
    while (identify(process.pid) !== undefined) await delay(5);
    await noneLeft();
  });

  it('goes on when the engine is gone, and the next one clears up behind it', async () => {
    await start();
    const running = await exec(['sh', '-c', 'cat; sleep 0.5; echo after > /after'], { stdin: true });
    await engine.close();
    expect(await outputOf(running)).toBe('');
    await open();
    expect(readdirSync(paths.execs)).toHaveLength(1);
    await noneLeft();
    expect(await run(['cat', '/after'])).toBe('after\n');
  });

  it('goes on when the daemon is killed, its input ended', async () => {
    await start();
    await engine.close();
    const script = `
      import { createOciEngine } from ${JSON.stringify(join(import.meta.dirname, 'create-oci-engine.ts'))};
      import { DirectoryImages } from ${JSON.stringify(join(import.meta.dirname, 'oci-bench.test-suite.ts'))};
      const [dataDir, runDir, nodeShortId, layer] = process.argv.slice(1);
      const engine = await createOciEngine({ dataDir, runDir, nodeShortId, images: new DirectoryImages([layer]), log: () => undefined });
      await engine.recover(() => true);
      const spec = { env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: true };
      await engine.exec(${JSON.stringify(A)}, { ...spec, argv: ['sh', '-c', 'cat; sleep 0.5; echo after > /after; echo nobody hears'] });
      process.kill(process.pid, 'SIGKILL');`;
    const args = ['--input-type=module', '-e', script, bench.dataDir, bench.runDir, bench.nodeShortId, join(bench.dir, 'layer')];
    const victim = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([victim.stderr, victim.signal]).toEqual(['', 'SIGKILL']);
    await open();
    expect(readdirSync(paths.execs)).toHaveLength(1);
    await noneLeft();
    expect(await run(['cat', '/after'])).toBe('after\n');
  });

  it('that an engine’s death left half-made is cleared away', async () => {
    await start();
    await engine.close();
    const { dir } = paths.exec('aaaaaaaaaaaa-12345678');
    mkdirSync(dir);
    await open();
    expect(readdirSync(paths.execs)).toEqual([]);
  });

  it('ends with a container that ends while there is no engine', async () => {
    await start(['sleep', '0.5']);
    await exec(['sleep', '60']);
    await engine.close();
    await delay(800);
    await open();
    expect(await bench.traces()).toEqual([]);
  });

  it('does not outlive a container that is removed while it is being started', async () => {
    await start();
    const starting = Array.from({ length: 4 }, () => exec(['sleep', '60']).catch((error: unknown) => error));
    await engine.remove(A);
    await Promise.all(starting);
    await noneLeft();
    expect(await bench.traces()).toEqual([]);
  });
});

describe('an update', () => {
  const limit = (controller: string, file: string): string =>
    readFileSync(join(controllerDir(trees, controller, `/caravela-${bench.nodeShortId}/${A}`) ?? '', file), 'utf8').trim();
  const memoryFile = trees.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';

  it('is in the control group', async () => {
    await start();
    await engine.update(A, { nanoCpus: 0.5e9, cpuShares: 512, cpusetCpus: '0', memoryReservationBytes: 32 * MIB });
    if (trees.version === 2) {
      expect(limit('cpu', 'cpu.max')).toBe('50000 100000');
      expect(limit('memory', 'memory.low')).toBe(String(32 * MIB));
    } else {
      expect([limit('cpu', 'cpu.cfs_quota_us'), limit('cpu', 'cpu.shares')]).toEqual(['50000', '512']);
      expect(limit('memory', 'memory.soft_limit_in_bytes')).toBe(String(32 * MIB));
    }
    expect(limit('cpuset', 'cpuset.cpus')).toBe('0');
  });

  it('says the same as a start with it', async () => {
    const files = trees.version === 2 ? ['cpu.max', 'cpu.weight'] : ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.shares'];
    const all = (): string[] => [...files.map((file) => limit('cpu', file)), limit('memory', memoryFile), limit('pids', 'pids.max')];
    await start();
    await engine.update(A, {
      cpuQuota: 30_000,
      cpuPeriod: 60_000,
      cpuShares: 300,
      memoryBytes: 64 * MIB,
      memorySwapBytes: -1,
      pidsLimit: 44,
    });
    const updated = all();
    await engine.stop(A, 'SIGKILL', 0);
    await engine.start(A, taskId(A, 2), ON_HOST);
    expect(all()).toEqual(updated);
  });

  it('is refused where the container has more than that in use, and changes nothing', async () => {
    // Held by tail, which keeps the last lines, and there is but one.
    await start(['sh', '-c', '(head -c 30000000 /dev/zero; echo ready >&2; sleep 60) | tail']);
    for (let text = ''; !text.includes('ready'); ) {
      for await (const { data } of engine.logs(A, logOptions())) text += data.toString();
      await delay(10);
    }
    const before = limit('memory', memoryFile);
    await expect(engine.update(A, { pidsLimit: 33, memoryBytes: 8 * MIB })).rejects.toMatchObject({
      code: 'wrong-state',
      message: expect.stringMatching(/uses \d+ bytes of memory: a limit of 8388608 is below that/),
    });
    expect([limit('memory', memoryFile), limit('pids', 'pids.max')]).toEqual([before, '16384']);
  });

  it('takes back what it changed where the kernel refuses the rest', async () => {
    await start();
    const before = [limit('memory', memoryFile), limit('pids', 'pids.max')];
    await expect(engine.update(A, { cpuShares: 300, cpusetCpus: '4000', memoryBytes: 64 * MIB })).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining('the kernel refuses 4000 for cpuset.cpus of container aaaaaaaaaaaa'),
    });
    expect([limit('memory', memoryFile), limit('pids', 'pids.max')]).toEqual(before);
    expect(limit('cpu', trees.version === 2 ? 'cpu.weight' : 'cpu.shares')).toBe(trees.version === 2 ? '100' : '1024');
    await engine.update(A, { pidsLimit: 33 });
    expect(limit('cpu', trees.version === 2 ? 'cpu.weight' : 'cpu.shares')).not.toBe('300');
  });
});
