import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HealthProbe } from '../port.ts';
import { HealthMachine } from './health-machine.ts';

const check = { argv: ['probe'], intervalMs: 100, timeoutMs: 50, startPeriodMs: 1_000, retries: 3 } as const;
const probe = (exitCode: number, startedAtMs = 5_000): HealthProbe => ({ startedAtMs, endedAtMs: startedAtMs + 1, exitCode, output: '' });

/** Statuses after each. */
function play(probes: readonly HealthProbe[]): string {
  const machine = new HealthMachine(check, 0);
  return probes
    .map((each) => {
      machine.probeBegins();
      machine.probeEnded(each);
      return `${machine.health.status} ${machine.health.failingStreak}`;
    })
    .join(', ');
}

describe('HealthMachine', () => {
  it('wants a check, and the next when that has ended', () => {
    const machine = new HealthMachine(check, 0);
    expect(machine.health).toEqual({ status: 'starting', failingStreak: 0, log: [] });
    expect(machine.probeAfterMs).toBe(100);
    machine.probeBegins();
    expect(machine.probeAfterMs).toBeUndefined();
    expect(machine.probeEnded(probe(0))).toBe(true);
    expect(machine.probeAfterMs).toBe(100);
    expect(machine.probeEnded(probe(0))).toBe(false);
  });

  it('wants nothing while it is held', () => {
    const machine = new HealthMachine(check, 0);
    machine.probeBegins();
    machine.hold();
    expect(machine.probeAfterMs).toBeUndefined();
    machine.resume();
    expect(machine.probeAfterMs).toBe(100);
  });

  it('is unhealthy after failures in a row, healthy after one success', () => {
    expect(play([1, 1, 0, 1, 1, 1, 1, 0].map((code) => probe(code)))).toBe(
      'starting 1, starting 2, healthy 0, healthy 1, healthy 2, unhealthy 3, unhealthy 4, healthy 0',
    );
  });

  it('counts no failure in the start period, but for after a success', () => {
    expect(play([probe(1, 10), probe(1, 999), probe(1, 1_000)])).toBe('starting 0, starting 0, starting 1');
    expect(play([probe(1, 10), probe(0, 20), probe(1, 30)])).toBe('starting 0, healthy 0, healthy 1');
  });

  it('keeps five results, and its word', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 1 }), (codes) => {
        const machine = new HealthMachine({ ...check, startPeriodMs: 0 }, 0);
        for (const code of codes) machine.probeEnded(probe(code));
        const { status, failingStreak, log } = machine.health;
        expect(log.map(({ exitCode }) => exitCode)).toEqual(codes.slice(-5));
        expect(failingStreak).toBe(codes.length - 1 - codes.lastIndexOf(0));
        expect(status).toBe(failingStreak >= 3 ? 'unhealthy' : codes.includes(0) ? 'healthy' : status);
        if (failingStreak === 0) expect(status).toBe('healthy');
      }),
    );
  });
});
