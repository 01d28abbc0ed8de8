import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ContainerId, containerId, shortId, taskId } from '../core/model/index.ts';
import type { ContainerSpec, Engine, Exit, LogEntry, LogOptions } from './port.ts';
import { containerSpec, ON_HOST } from './spec.test-suite.ts';

/** One engine's state on a host, across restarts of the engine. */
export interface EngineBench {
  /** A new engine on the same state; `recover` is not yet called. The one before is closed or as good as dead. */
  open(): Promise<Engine>;
  /** Takes away all of it. */
  destroy(): Promise<void>;
}

export const A = containerId('a'.repeat(64));
export const B = containerId('b'.repeat(64));

/** What every adapter of `Engine` keeps. Its images are busybox's. */
export function engineContract(name: string, makeBench: () => Promise<EngineBench>): void {
  describe(`engine contract: ${name}`, () => {
    let bench: EngineBench;
    let engine: Engine;
    let exits: Exit[];

    const listen = (to: Engine): void => to.onExit((exit) => exits.push(exit));
    beforeEach(async () => {
      bench = await makeBench();
      engine = await bench.open();
      exits = [];
      listen(engine);
      await engine.recover(() => true);
    });
    afterEach(async () => {
      await engine.remove(A);
      await engine.remove(B);
      await engine.close();
      await bench.destroy();
    });

    const create = (id: ContainerId, command: readonly string[], change: Partial<ContainerSpec> = {}): Promise<void> =>
      engine.create(id, containerSpec({ command, ...change }), []);
    const start = (id: ContainerId, n = 1) => engine.start(id, taskId(id, n), ON_HOST);
    const exitOf = async (id: ContainerId, n = 1): Promise<Exit> => {
      for (;;) {
        const exit = exits.find((each) => each.taskId === taskId(id, n));
        if (exit !== undefined) return exit;
        await delay(5);
      }
    };
    const run = async (command: readonly string[], change: Partial<ContainerSpec> = {}): Promise<Exit> => {
      await create(A, command, change);
      await start(A);
      return exitOf(A);
    };
    const entries = (change: Partial<LogOptions> = {}): Promise<LogEntry[]> => collect(engine.logs(A, logOptions(change)));
    const output = async (change: Partial<LogOptions> = {}): Promise<string> => textOf(await entries(change));

    it.each([
      [['true'], 0],
      [['false'], 1],
      [['sh', '-c', 'exit 42'], 42],
    ])('tells exit codes: %j', async (command, exitCode) => {
      const before = Date.now();
      const exit = await run(command);
      expect(exit).toMatchObject({ containerId: A, taskId: taskId(A, 1), exitCode, oomKilled: false });
      expect(exit.finishedAtMs).toBeGreaterThan(before - 1_000);
      expect(exit.finishedAtMs).toBeLessThanOrEqual(Date.now() + 1);
    });

    it('says who started when', async () => {
      await create(A, ['sleep', '60']);
      const before = Date.now();
      const started = await start(A);
      expect(started.pid).toBeGreaterThan(0);
      expect(started.startedAtMs).toBeGreaterThanOrEqual(before);
      expect(await start(A)).toEqual(started);
    });

    it('refuses a second task beside the first', async () => {
      await create(A, ['sleep', '60']);
      await start(A);
      await expect(start(A, 2)).rejects.toMatchObject({ code: 'wrong-state' });
    });

    it('starts an ended container again, its log going on', async () => {
      await run(['echo', 'hello']);
      await start(A, 2);
      await exitOf(A, 2);
      expect(exits.map((exit) => exit.taskId)).toEqual([taskId(A, 1), taskId(A, 2)]);
      expect(await output()).toBe('hello\nhello\n');
    });

    it('keeps output by stream', async () => {
      await run(['sh', '-c', 'echo out; echo err >&2; printf rest']);
      expect(await output({ stderr: false })).toBe('out\nrest');
      expect(await output({ stdout: false })).toBe('err\n');
      const [first] = await entries();
      expect(first?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    });

    it('shows the last lines', async () => {
      await run(['sh', '-c', 'echo 1; echo 2; echo 3; printf 4']);
      expect(await output({ tail: 2 })).toBe('3\n4');
      expect(await output({ tail: 0 })).toBe('');
      expect(await output({ tail: 99 })).toBe('1\n2\n3\n4');
    });

    it('bounds output by time', async () => {
      await run(['sh', '-c', 'echo 1; sleep 0.3; echo 2']);
      const [first] = await entries();
      const between = Date.parse(first?.timestamp ?? '') + 150;
      expect(await output({ sinceMs: between })).toBe('2\n');
      expect(await output({ untilMs: between })).toBe('1\n');
    });

    it('follows until the end', async () => {
      await create(A, ['sh', '-c', 'echo 1; sleep 0.2; echo 2; sleep 0.2; printf 3']);
      await start(A);
      expect(await output({ follow: true })).toBe('1\n2\n3');
      expect((await exitOf(A)).exitCode).toBe(0);
    });

    it('follows until the reader leaves', async () => {
      await create(A, ['sh', '-c', 'echo 1; sleep 60']);
      await start(A);
      const abort = new AbortController();
      const seen: string[] = [];
      for await (const entry of engine.logs(A, logOptions({ follow: true, signal: abort.signal }))) {
        seen.push(entry.data.toString());
        abort.abort();
      }
      expect(seen).toEqual(['1\n']);
    });

    it('runs as asked: environment, directory, host name, user', async () => {
      await run(['sh', '-c', 'echo $GREETING; pwd; hostname; id -u'], {
        env: ['GREETING=hi there'],
        workingDir: '/tmp',
        hostname: 'ship',
        user: '1000',
      });
      expect(await output()).toBe('hi there\n/tmp\nship\n1000\n');
    });

    it('is named by its id where no host name was asked for', async () => {
      await run(['hostname']);
      expect(await output()).toBe(`${shortId(A)}\n`);
    });

    it('has the host name of the container whose network it shares', async () => {
      await create(B, ['sleep', '60'], { hostname: 'ship' });
      await run(['hostname'], { networkMode: 'container', networkOf: B });
      expect(await output()).toBe('ship\n');
    });

    it('says what runs', async () => {
      await create(A, ['echo', 'x'], { labels: { a: 'b' }, env: ['K=v'] });
      expect(await engine.details(A)).toMatchObject({
        path: 'echo',
        args: ['x'],
        labels: { a: 'b' },
        workingDir: '/',
        stopSignal: 'SIGTERM',
      });
      expect((await engine.details(A)).env).toContain('K=v');
    });

    it('signals', async () => {
      await create(A, ['sh', '-c', 'trap "exit 7" USR1; echo ready; while true; do sleep 0.05; done']);
      await start(A);
      await ready();
      await engine.kill(A, 'USR1');
      expect((await exitOf(A)).exitCode).toBe(7);
      await expect(engine.kill(A, 'TERM')).rejects.toMatchObject({ code: 'wrong-state' });
    });

    it('refuses signals that are none', async () => {
      await create(A, ['sleep', '60']);
      await start(A);
      await expect(engine.kill(A, 'SIGNONE')).rejects.toThrow('invalid signal "SIGNONE"');
    });

    it('stops by signal', async () => {
      await create(A, ['sh', '-c', 'trap "exit 3" TERM; echo ready; while true; do sleep 0.05; done']);
      await start(A);
      await ready();
      await engine.stop(A, 'SIGTERM', 10_000);
      expect(exits).toMatchObject([{ exitCode: 3 }]);
    });

    it('kills what will not stop', async () => {
      await create(A, ['sh', '-c', 'trap "" TERM; echo ready; while true; do sleep 0.05; done']);
      await start(A);
      await ready();
      await engine.stop(A, 'SIGTERM', 50);
      expect(exits).toMatchObject([{ exitCode: 137, oomKilled: false }]);
    });

    it('stops what does not run at once', async () => {
      await create(A, ['true']);
      await engine.stop(A, 'SIGTERM', 10_000);
      expect(exits).toEqual([]);
    });

    it('refuses a program that is not there, in Docker’s words, and keeps the container', async () => {
      await create(A, ['nosuchprogram']);
      await expect(start(A)).rejects.toThrow('exec: "nosuchprogram": executable file not found in $PATH');
      expect(exits).toEqual([]);
      expect((await engine.details(A)).path).toBe('nosuchprogram');
    });

    it('removes what runs, what does not, and what is not there', async () => {
      await create(A, ['sleep', '60']);
      await start(A);
      await engine.remove(A);
      expect(exits).toMatchObject([{ exitCode: 137 }]);
      await expect(engine.details(A)).rejects.toMatchObject({ code: 'no-such-container' });
      await create(B, ['true']);
      await engine.remove(B);
      await engine.remove(B);
    });

    it('creates once', async () => {
      await create(A, ['true']);
      await create(A, ['true']);
      await start(A);
      expect((await exitOf(A)).exitCode).toBe(0);
    });

    it('refuses to start what it does not have', async () => {
      await expect(start(A)).rejects.toMatchObject({ code: 'no-such-container' });
    });

    it('says which image is missing', async () => {
      const image = { reference: 'docker.io/library/none:1', digest: `sha256:${'0'.repeat(64)}` };
      await expect(create(A, ['true'], { image })).rejects.toMatchObject({ code: 'image-missing' });
      await expect(engine.details(A)).rejects.toMatchObject({ code: 'no-such-container' });
    });

    it('runs many at once', async () => {
      const ids = Array.from({ length: 6 }, (_, index) => containerId(String(index).repeat(64)));
      await Promise.all(ids.map((id) => create(id, ['echo', id])));
      await Promise.all(ids.map((id) => start(id)));
      await Promise.all(ids.map((id) => exitOf(id)));
      for (const id of ids) expect(textOf(await collect(engine.logs(id, logOptions())))).toBe(`${id}\n`);
      await Promise.all(ids.map((id) => engine.remove(id)));
    });

    it('finds everything again', async () => {
      await create(A, ['sh', '-c', 'echo before; sleep 0.5; echo after; sleep 60']);
      const { pid, startedAtMs } = await start(A);
      await create(B, ['true']);
      await engine.close();
      engine = await bench.open();
      listen(engine);
      const found = await engine.recover(() => true);
      expect(found).toContainEqual({ containerId: A, state: 'running', taskId: taskId(A, 1), pid, startedAtMs, paused: false });
      expect(found).toContainEqual({ containerId: B, state: 'created' });
      expect(found).toHaveLength(2);
      while (!(await output()).includes('after')) await delay(10);
      await engine.kill(A, 'KILL');
      expect((await exitOf(A)).exitCode).toBe(137);
    });

    it('tells once what ended while it was away', async () => {
      await create(A, ['sh', '-c', 'sleep 0.2; exit 5']);
      await start(A);
      await engine.close();
      await delay(500);
      exits = [];
      engine = await bench.open();
      listen(engine);
      expect(await engine.recover(() => true)).toMatchObject([
        { containerId: A, state: 'exited', exit: { exitCode: 5, taskId: taskId(A, 1) } },
      ]);
      await start(A, 2);
      expect((await exitOf(A, 2)).exitCode).toBe(5);
      expect(exits).toHaveLength(1);
    });

    it('removes what nobody knows', async () => {
      await create(A, ['sleep', '60']);
      await start(A);
      await engine.close();
      engine = await bench.open();
      expect(await engine.recover(() => false)).toEqual([]);
      await expect(engine.details(A)).rejects.toMatchObject({ code: 'no-such-container' });
    });

    async function ready(): Promise<void> {
      while (!(await output()).includes('ready')) await delay(5);
    }
  });
}

export function logOptions(change: Partial<LogOptions> = {}): LogOptions {
  return {
    stdout: true,
    stderr: true,
    follow: false,
    tail: undefined,
    sinceMs: undefined,
    untilMs: undefined,
    signal: new AbortController().signal,
    ...change,
  };
}

export const textOf = (entries: readonly LogEntry[]): string => Buffer.concat(entries.map((entry) => entry.data)).toString();

async function collect(entries: AsyncIterable<LogEntry>): Promise<LogEntry[]> {
  const all: LogEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}
