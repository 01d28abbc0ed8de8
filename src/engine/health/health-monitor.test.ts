import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import type { HealthChange } from '../port.ts';
import { HealthMonitor } from './health-monitor.ts';
import type { ProbeExec } from './run-probe.ts';

const A = containerId('a'.repeat(64));
const check = { argv: ['probe'], intervalMs: 1_000, timeoutMs: 500, startPeriodMs: 0, retries: 2 } as const;

/** An exec that ends when it is told to. */
class Probe implements ProbeExec {
  readonly pid = 1;
  readonly #end = Promise.withResolvers<number>();
  readonly exitCode = this.#end.promise;
  readonly output: ProbeExec['output'];
  killed = false;
  constructor(text: string) {
    const end = this.#end.promise;
    this.output = (async function* () {
      yield { stream: 'stdout' as const, data: Buffer.from(text) };
      await end;
    })();
  }
  end = (code: number): void => this.#end.resolve(code);
  write = async (): Promise<void> => undefined;
  endInput = (): void => undefined;
  resize = async (): Promise<void> => undefined;
  detach = (): void => undefined;
  kill = (): void => {
    this.killed = true;
    this.end(137);
  };
}

describe('HealthMonitor', () => {
  let probes: Probe[];
  let told: string[];
  let monitor: HealthMonitor;
  let failure: Error | undefined;

  beforeEach(() => {
    vi.useFakeTimers();
    [probes, told, failure] = [[], [], undefined];
    const runner = async (): Promise<Probe> => {
      if (failure !== undefined) throw failure;
      const probe = new Probe('x'.repeat(5_000));
      probes.push(probe);
      return probe;
    };
    monitor = new HealthMonitor(runner, ({ status }: HealthChange) => told.push(status));
    monitor.begin(A, check, Date.now(), false);
  });
  afterEach(() => {
    monitor.close();
    vi.useRealTimers();
  });

  /** One check, from its interval on. */
  async function next(code: number): Promise<void> {
    const before = probes.length;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(probes).toHaveLength(before + 1);
    probes[before]?.end(code);
    await vi.advanceTimersByTimeAsync(0);
  }

  it('checks after each interval, and tells what is new', async () => {
    for (const code of [0, 0, 1, 1, 1, 0]) await next(code);
    expect(told).toEqual(['starting', 'healthy', 'unhealthy', 'healthy']);
    const { status, failingStreak, log } = monitor.of(A) ?? {};
    expect([status, failingStreak]).toEqual(['healthy', 0]);
    expect(log?.map(({ exitCode }) => exitCode)).toEqual([0, 1, 1, 1, 0]);
    expect(log?.[0]?.output).toBe('x'.repeat(4096));
  });

  it('ends a check that takes too long', async () => {
    await vi.advanceTimersByTimeAsync(1_500);
    expect(probes.map(({ killed }) => killed)).toEqual([true]);
    expect(monitor.of(A)?.log).toMatchObject([{ exitCode: -1, output: 'Health check exceeded timeout (500ms)' }]);
    await next(0);
    expect(told).toEqual(['starting', 'healthy']);
  });

  it('counts a check that can’t be run as failed', async () => {
    failure = new Error('executable file not found in $PATH');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(monitor.of(A)).toMatchObject({ status: 'unhealthy', failingStreak: 2, log: [{ exitCode: -1, output: failure.message }, {}] });
  });

  it('does not check what is paused, nor counts a check that was under way', async () => {
    await vi.advanceTimersByTimeAsync(1_000);
    monitor.hold(A);
    probes[0]?.end(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(probes).toHaveLength(1);
    expect(monitor.of(A)?.log).toEqual([]);
    monitor.resume(A);
    await next(0);
    expect(told).toEqual(['starting', 'healthy']);
  });

  it('keeps the last word on what has ended, until it is begun anew or forgotten', async () => {
    await next(0);
    monitor.end(A);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(probes).toHaveLength(1);
    expect(monitor.of(A)?.status).toBe('healthy');
    monitor.begin(A, check, Date.now(), true);
    expect(monitor.of(A)).toEqual({ status: 'starting', failingStreak: 0, log: [] });
    monitor.forget(A);
    expect(monitor.of(A)).toBeUndefined();
    expect(told).toEqual(['starting', 'healthy', 'starting']);
  });

  it('has nothing to say of what has no check', () => {
    monitor.begin(A, undefined, Date.now(), false);
    expect(monitor.of(A)).toBeUndefined();
    expect(told).toEqual(['starting']);
  });
});
