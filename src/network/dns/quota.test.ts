import { expect, test } from 'vitest';
import { DNS_LIMITS } from './limits.ts';
import { Quota } from './quota.ts';

test('a burst at once, then the rate; each client for itself', () => {
  let nowMs = 0;
  const quota = new Quota(() => nowMs);
  const asks = (source: number): boolean => {
    const may = quota.begin(source);
    if (may) quota.done(source);
    return may;
  };
  for (let i = 0; i < DNS_LIMITS.burst; i++) expect(asks(1)).toBe(true);
  expect([asks(1), asks(2)]).toEqual([false, true]);
  nowMs += 10;
  const more = Array.from({ length: 20 }, () => asks(1)).filter(Boolean);
  expect(more).toHaveLength(DNS_LIMITS.perSecond / 100);
});

test('what is under way is bounded for each and in all; who asked longest ago is forgotten, but not while it waits', () => {
  const quota = new Quota(() => 0);
  for (let i = 0; i < DNS_LIMITS.underWayPerSource; i++) expect(quota.begin(1)).toBe(true);
  expect(quota.begin(1)).toBe(false);
  quota.done(1);
  expect(quota.begin(1)).toBe(true);
  let others = 0;
  while (quota.begin(10 + Math.floor(others / 100))) others++;
  expect(others).toBe(DNS_LIMITS.underWay - DNS_LIMITS.underWayPerSource);
  quota.done(10);
  for (let source = 1_000; source < 1_000 + DNS_LIMITS.sources + 5; source++) {
    expect(quota.begin(source)).toBe(true);
    quota.done(source);
  }
  expect(quota.begin(1)).toBe(false);
});
