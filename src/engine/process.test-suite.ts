import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../core/model/index.ts';
import { A, type EngineBench, logOptions } from './contract.test-suite.ts';
import type { ContainerHealth, ContainerSpec, Engine, ExecSpec, Exit, HealthChange, LogStream, RunningExec } from './port.ts';
import { containerSpec, ON_HOST } from './spec.test-suite.ts';

const MIB = 1024 * 1024;
/** Counts what it may do; nothing while it is paused. */
const TICKING = ['sh', '-c', 'while true; do echo tick; sleep 0.02; done'];

/** What every adapter keeps of processes: exec, top, stats, pause, update. The bench's engines have SHORT_PATIENCE. */
export function processContract(name: string, makeBench: () => Promise<EngineBench>): void {
  describe(`engine contract, processes: ${name}`, () => {
    let bench: EngineBench;
    let engine: Engine;
    let exits: Exit[];

    async function open(): Promise<void> {
      engine = await bench.open();
      engine.onExit((exit) => exits.push(exit));
    }
    beforeEach(async () => {
      bench = await makeBench();
      exits = [];
      await open();
      await engine.recover(() => true);
    });
    afterEach(async () => {
      await engine.remove(A);
      await engine.close();
      await bench.destroy();
    });

    async function start(command: readonly string[] = ['sleep', '60'], change: Partial<ContainerSpec> = {}): Promise<void> {
      await engine.create(A, containerSpec({ command, ...change }), []);
      await engine.start(A, taskId(A, 1), ON_HOST);
    }
    const exec = (argv: ExecSpec['argv'], change: Partial<ExecSpec> = {}): Promise<RunningExec> =>
      engine.exec(A, { argv, env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false, ...change });
    const ended = async (): Promise<Exit> => {
      while (exits[0] === undefined) await delay(5);
      return exits[0];
    };
    async function logged(): Promise<string> {
      let text = '';
      for await (const { data } of engine.logs(A, logOptions())) text += data.toString();
      return text;
    }

    describe('exec', () => {
      it('runs beside the first process, and tells output by stream and exit code', async () => {
        await start();
        const running = await exec(['sh', '-c', 'echo out; echo err >&2; exit 3']);
        expect(running.pid).toBeGreaterThan(0);
        expect(await read(running)).toEqual({ stdout: 'out\n', stderr: 'err\n' });
        expect(await running.exitCode).toBe(3);
        expect(exits).toEqual([]);
      });

      it('misses nothing of the shortest, time after time', async () => {
        await start();
        for (let n = 0; n < 10; n++) expect((await read(await exec(['echo', 'hello']))).stdout).toBe('hello\n');
        const many = await Promise.all(Array.from({ length: 5 }, () => exec(['echo', 'hello'])));
        expect(await Promise.all(many.map(async (each) => (await read(each)).stdout))).toEqual(many.map(() => 'hello\n'));
        expect(await Promise.all(many.map((each) => each.exitCode))).toEqual(many.map(() => 0));
      });

      it('is as the container is, and as asked', async () => {
        await start(undefined, { env: ['GREETING=hi'], workingDir: '/tmp', hostname: 'ship', user: '1000' });
        const script = 'echo $GREETING-$MORE; pwd; hostname; id -u';
        const plain = await exec(['sh', '-c', script]);
        expect((await read(plain)).stdout).toBe('hi-\n/tmp\nship\n1000\n');
        const other = await exec(['sh', '-c', script], { env: ['MORE=there', 'GREETING=hello'], workingDir: '/', user: '0' });
        expect((await read(other)).stdout).toBe('hello-there\n/\nship\n0\n');
      });

      it('passes input on, and its end', async () => {
        await start();
        const running = await exec(['cat'], { stdin: true });
        await running.write(Buffer.from('one '));
        await running.write(Buffer.from('two\n'));
        running.endInput();
        expect((await read(running)).stdout).toBe('one two\n');
        expect(await running.exitCode).toBe(0);
      });

      it('has no input where none was asked for', async () => {
        await start();
        const running = await exec(['cat']);
        await running.write(Buffer.from('lost'));
        expect(await read(running)).toEqual({ stdout: '', stderr: '' });
        expect(await running.exitCode).toBe(0);
      });

      it('loses none of 4 MiB, on the way in and out', async () => {
        await start();
        const running = await exec(['cat'], { stdin: true });
        const data = Buffer.alloc(4 * MIB, 'what goes in comes out\n');
        for (let at = 0; at < data.length; at += 7) data[at] = at % 251;
        const reading = digest(running);
        for (let at = 0; at < data.length; at += 100_000) await running.write(data.subarray(at, at + 100_000));
        running.endInput();
        expect(await reading).toEqual([data.length, createHash('sha256').update(data).digest('hex')]);
      });

      it('is not held up by who reads nothing', async () => {
        await start();
        const running = await exec(['cat'], { stdin: true });
        const data = Buffer.alloc(4 * MIB, 'x');
        for (let at = 0; at < data.length; at += 32 * 1024) await running.write(data.subarray(at, at + 32 * 1024));
        running.endInput();
        expect(await running.exitCode).toBe(0);
      });

      it('has a terminal of the size that was asked for, and another when that is asked for', async () => {
        await start();
        const sized = await exec(['stty', 'size'], { tty: true, terminalSize: { rows: 21, columns: 77 } });
        expect((await read(sized)).stdout.trim()).toBe('21 77');
        const resized = await exec(['sh', '-c', 'sleep 0.3; stty size'], { tty: true, stdin: true });
        await resized.resize({ rows: 33, columns: 111 });
        expect((await read(resized)).stdout.trim()).toBe('33 111');
        await resized.exitCode;
        await resized.resize({ rows: 1, columns: 1 });
      });

      it('goes on when it is let go of', async () => {
        await start();
        const running = await exec(['sh', '-c', 'echo begun; sleep 0.2; exit 9'], { stdin: true });
        running.detach();
        expect(await running.exitCode).toBe(9);
      });

      it('ends with its container', async () => {
        await start();
        const running = await exec(['sleep', '60']);
        await engine.stop(A, 'SIGKILL', 0);
        expect(await running.exitCode).toBe(137);
        expect(await read(running)).toEqual({ stdout: '', stderr: '' });
        await ended();
      });

      it('says why it can’t start, in Docker’s words, and leaves the container alone', async () => {
        await start();
        const failure = await exec(['nosuch']).catch((error: unknown) => error);
        expect(failure).toMatchObject({
          code: 'engine-failed',
          message:
            'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown',
        });
        await expect(exec(['true'], { user: 'pirate' })).rejects.toThrow('unable to find user pirate: no matching entries in passwd file');
        expect(await (await exec(['true'])).exitCode).toBe(0);
      });

      it('needs a container that runs', async () => {
        await expect(exec(['true'])).rejects.toMatchObject({ code: 'no-such-container' });
        await engine.create(A, containerSpec(), []);
        await expect(exec(['true'])).rejects.toMatchObject({ code: 'wrong-state', message: 'container aaaaaaaaaaaa is not running' });
      });
    });

    describe('pause', () => {
      it('holds all processes until unpause', async () => {
        await start(TICKING);
        const running = await exec(['sh', '-c', 'sleep 0.1; echo done']);
        while (!(await logged()).includes('tick')) await delay(5);
        await engine.pause(A);
        await engine.pause(A);
        const before = await logged();
        await delay(200);
        expect(await logged()).toBe(before);
        await expect(exec(['true'])).rejects.toMatchObject({
          code: 'wrong-state',
          message: 'container aaaaaaaaaaaa is paused, unpause the container before exec',
        });
        await engine.unpause(A);
        await engine.unpause(A);
        while ((await logged()) === before) await delay(5);
        expect((await read(running)).stdout).toBe('done\n');
      });

      it('is known after a restart', async () => {
        await start();
        await engine.pause(A);
        await engine.close();
        await open();
        expect(await engine.recover(() => true)).toMatchObject([{ state: 'running', paused: true }]);
        await engine.unpause(A);
        expect(await (await exec(['true'])).exitCode).toBe(0);
      });

      it('ends with the container, by kill', async () => {
        await start();
        await engine.pause(A);
        await engine.kill(A, 'KILL');
        expect((await ended()).exitCode).toBe(137);
        await engine.start(A, taskId(A, 2), ON_HOST);
        expect(await (await exec(['true'])).exitCode).toBe(0);
      });

      it('ends with the container, by stop, which is heard', async () => {
        await start(['sh', '-c', 'trap "exit 3" TERM; echo ready; while true; do sleep 0.02; done']);
        while (!(await logged()).includes('ready')) await delay(5);
        await engine.pause(A);
        await engine.stop(A, 'SIGTERM', 10_000);
        expect((await ended()).exitCode).toBe(3);
      });

      it('ends with the container, by remove', async () => {
        await start();
        await engine.pause(A);
        await engine.remove(A);
        expect((await ended()).exitCode).toBe(137);
      });

      it('needs a container that runs', async () => {
        await expect(engine.pause(A)).rejects.toMatchObject({ code: 'no-such-container' });
        await engine.create(A, containerSpec(), []);
        await expect(engine.pause(A)).rejects.toMatchObject({ code: 'wrong-state' });
        await expect(engine.unpause(A)).rejects.toMatchObject({ code: 'wrong-state' });
      });
    });

    describe('top', () => {
      it('shows the container’s processes and no others', async () => {
        await start();
        const { pid } = await exec(['sleep', '50']);
        const { titles, processes } = await engine.top(A, []);
        const [pidColumn, commandColumn] = [titles.indexOf('PID'), titles.indexOf('CMD')];
        expect(processes.map((line) => line[commandColumn])).toEqual(expect.arrayContaining(['sleep 50', 'sleep 60']));
        expect(processes.find((line) => line[commandColumn] === 'sleep 50')?.[pidColumn]).toBe(String(pid));
        expect(await engine.top(A, ['-o', 'pid,comm'])).toMatchObject({ titles: ['PID', 'COMMAND'] });
      });

      it('needs a column of pids, and a container that runs', async () => {
        await start();
        await expect(engine.top(A, ['-o', 'comm'])).rejects.toThrow("Couldn't find PID field in ps output");
        await expect(engine.top(A, ['-o', 'nosuchcolumn'])).rejects.toMatchObject({ code: 'engine-failed' });
        await engine.stop(A, 'SIGKILL', 0);
        await expect(engine.top(A, [])).rejects.toMatchObject({ code: 'wrong-state' });
      });
    });

    describe('stats', () => {
      it('counts what runs', async () => {
        await start(['sleep', '60'], { memoryBytes: 64 * MIB, pidsLimit: 77 });
        const first = await engine.stats(A);
        expect(first?.memory.limit).toBe(64 * MIB);
        expect(first?.memory.usage).toBeGreaterThan(0);
        expect(first?.pids).toEqual({ current: 1, limit: 77 });
        expect(first?.cpu.onlineCpus).toBeGreaterThan(0);
        const running = await exec(['sleep', '50']);
        await delay(20);
        const second = await engine.stats(A);
        expect(second?.pids.current).toBe(2);
        expect(second?.cpu.usageNs).toBeGreaterThan(first?.cpu.usageNs ?? Infinity);
        expect(second?.cpu.systemNs).toBeGreaterThan(first?.cpu.systemNs ?? Infinity);
        running.detach();
      });

      it('has nothing of what does not run', async () => {
        await expect(engine.stats(A)).rejects.toMatchObject({ code: 'no-such-container' });
        await engine.create(A, containerSpec(), []);
        expect(await engine.stats(A)).toBeUndefined();
      });
    });

    describe('health', () => {
      const every = (test: readonly string[], change: { timeout?: number; startPeriod?: number; retries?: number } = {}) => ({
        extras: { healthcheck: { test, interval: 20e6, timeout: 0, startPeriod: 0, retries: 2, ...change } },
      });
      async function until(status: string): Promise<ContainerHealth> {
        for (;;) {
          const health = await engine.health(A);
          if (health?.status === status) return health;
          await delay(5);
        }
      }

      it('is what the check says, and who asks to is told', async () => {
        const changes: HealthChange[] = [];
        engine.onHealth((change) => changes.push(change));
        await start(undefined, every(['CMD-SHELL', 'echo fine; echo really >&2']));
        const { failingStreak, log } = await until('healthy');
        expect(failingStreak).toBe(0);
        expect(log[0]).toMatchObject({ exitCode: 0 });
        for (const line of ['fine\n', 'really\n']) expect(log[0]?.output).toContain(line);
        expect(changes).toEqual(['starting', 'healthy'].map((status) => ({ containerId: A, status })));
        await engine.stop(A, 'SIGKILL', 0);
        expect((await engine.health(A))?.status).toBe('healthy');
        await engine.start(A, taskId(A, 2), ON_HOST);
        expect((await engine.health(A))?.log).toEqual([]);
      });

      it('is bad after failures in a row: of what ends so, can’t be run, or takes too long', async () => {
        await start(undefined, every(['CMD', 'false']));
        expect((await until('unhealthy')).log.at(-1)).toMatchObject({ exitCode: 1, output: '' });
        await engine.remove(A);
        await start(undefined, every(['CMD', 'nosuch']));
        expect((await until('unhealthy')).log.at(-1)).toMatchObject({
          exitCode: -1,
          output: expect.stringContaining('executable file not found'),
        });
        await engine.remove(A);
        await start(undefined, every(['CMD', 'sleep', '50'], { timeout: 100e6 }));
        expect((await until('unhealthy')).log.at(-1)).toMatchObject({ exitCode: -1, output: 'Health check exceeded timeout (100ms)' });
        while ((await engine.stats(A))?.pids.current !== 1) await delay(5);
      });

      it('begins anew with a new engine', async () => {
        await start(undefined, every(['CMD', 'true']));
        await until('healthy');
        await engine.close();
        await open();
        await engine.recover(() => true);
        await until('healthy');
      });

      it('is nothing where nothing checks it', async () => {
        await expect(engine.health(A)).rejects.toMatchObject({ code: 'no-such-container' });
        await start(undefined, every(['NONE']));
        expect(await engine.health(A)).toBeUndefined();
      });
    });

    describe('update', () => {
      it('holds at once, and at the next start', async () => {
        await start();
        await engine.update(A, { memoryBytes: 64 * MIB, pidsLimit: 50 });
        expect(await engine.stats(A)).toMatchObject({ memory: { limit: 64 * MIB }, pids: { limit: 50 } });
        await engine.update(A, { pidsLimit: 60 });
        expect(await engine.stats(A)).toMatchObject({ memory: { limit: 64 * MIB }, pids: { limit: 60 } });
        await engine.stop(A, 'SIGKILL', 0);
        await engine.update(A, { memoryBytes: 96 * MIB });
        await engine.close();
        await open();
        await engine.recover(() => true);
        await engine.start(A, taskId(A, 2), ON_HOST);
        expect(await engine.stats(A)).toMatchObject({ memory: { limit: 96 * MIB }, pids: { limit: 60 } });
      });

      it('refuses limits that contradict one another', async () => {
        await start(undefined, { nanoCpus: 1e9 });
        await expect(engine.update(A, { cpuQuota: 50_000 })).rejects.toMatchObject({
          code: 'wrong-state',
          message: 'Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set',
        });
        await expect(engine.update(A, { memoryBytes: 64 * MIB, memorySwapBytes: 32 * MIB })).rejects.toMatchObject({ code: 'wrong-state' });
      });
    });
  });
}

async function read({ output }: RunningExec): Promise<Record<LogStream, string>> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, data } of output) texts[stream] += data.toString();
  return texts;
}

async function digest({ output }: RunningExec): Promise<[number, string]> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const { data } of output) {
    hash.update(data);
    size += data.length;
  }
  return [size, hash.digest('hex')];
}
