import { describe, expect, it } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import type { NodeId, Timer, Turn } from '../model/index.ts';
import { PROFILES } from './profile.ts';
import { Suspicions, shortestMs, suspicionMs } from './suspicion.ts';
import { Timers } from './timers.ts';

const target = 'a'.repeat(32) as NodeId;

function makeTurn(nowMs: number, set: { timer: Timer; afterMs: number }[]): Turn {
  const unused = () => expect.unreachable();
  return {
    nowMs,
    wallMs: 0,
    random: new Prng(1),
    send: unused,
    perform: unused,
    reply: unused,
    emit: unused,
    setTimer: (timer, afterMs) => void set.push({ timer, afterMs }),
  };
}

describe('suspicionMs', () => {
  it('falls from the longest to the shortest with confirmations', () => {
    expect(suspicionMs(2_000, 12_000, 0, 2)).toBe(12_000);
    expect(suspicionMs(2_000, 12_000, 1, 2)).toBeCloseTo(5_691, 0);
    expect(suspicionMs(2_000, 12_000, 2, 2)).toBe(2_000);
    expect(suspicionMs(2_000, 12_000, 0, 0)).toBe(2_000);
  });

  it('grows with the logarithm of the members', () => {
    expect(shortestMs(PROFILES.lan, 3)).toBe(2_000);
    expect(shortestMs(PROFILES.lan, 10)).toBe(2_000);
    expect(shortestMs(PROFILES.lan, 1_000)).toBeCloseTo(6_000);
  });
});

describe('Suspicions', () => {
  it('shortens with independent confirmations only, and at most as many as wanted', () => {
    const timers = new Timers();
    const suspicions = new Suspicions(PROFILES.lan, timers);
    const set: { timer: Timer; afterMs: number }[] = [];
    suspicions.start(makeTurn(1_000, set), target, 7, 'one', 10);
    expect(set.at(-1)?.afterMs).toBe(12_000);
    expect(suspicions.confirm(makeTurn(1_500, set), target, 7, 'one')).toBe(false);
    expect(suspicions.confirm(makeTurn(1_500, set), target, 6, 'two')).toBe(false);
    expect(suspicions.confirm(makeTurn(1_500, set), target, 7, 'two')).toBe(true);
    expect(set.at(-1)?.afterMs).toBeCloseTo(5_191, 0);
    expect(suspicions.confirm(makeTurn(9_000, set), target, 7, 'three')).toBe(true);
    expect(set.at(-1)?.afterMs).toBe(0);
    expect(suspicions.confirm(makeTurn(9_000, set), target, 7, 'four')).toBe(false);
    expect(set).toHaveLength(3);
    // Only the newest timer counts.
    expect(set.map(({ timer }) => timers.take(timer))).toEqual([undefined, undefined, 'suspicion']);
    expect(suspicions.expire(target)).toBe(7);
    expect(suspicions.expire(target)).toBeUndefined();
  });

  it('does not wait for confirmations that nobody could give', () => {
    const set: { timer: Timer; afterMs: number }[] = [];
    const timers = new Timers();
    const suspicions = new Suspicions(PROFILES.lan, timers);
    suspicions.start(makeTurn(0, set), target, 1, 'one', 3);
    expect(set.at(-1)?.afterMs).toBe(2_000);
    suspicions.stop(target);
    expect(set.map(({ timer }) => timers.take(timer))).toEqual([undefined]);
  });
});
