import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthCheckOf } from './health-check.ts';

const none = { test: [], interval: 0, timeout: 0, startPeriod: 0, retries: 0 };
const image = { Healthcheck: { Test: ['CMD-SHELL', 'wget x'], Interval: 5e9, Retries: 7 } };

describe('a health check', () => {
  it('is what was asked for', () => {
    const asked = { test: ['CMD', 'probe', '-x'], interval: 1e9, timeout: 2e9, startPeriod: 3e9, retries: 4 };
    expect(healthCheckOf(asked, image)).toEqual({
      argv: ['probe', '-x'],
      intervalMs: 1_000,
      timeoutMs: 2_000,
      startPeriodMs: 3_000,
      retries: 4,
    });
  });

  it('is as the image says, thing by thing, else as Docker does', () => {
    const expected = { argv: ['/bin/sh', '-c', 'wget x'], intervalMs: 5_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 7 };
    expect(healthCheckOf(undefined, image)).toEqual(expected);
    expect(healthCheckOf(none, image)).toEqual(expected);
    expect(healthCheckOf({ ...none, retries: 1 }, image)).toEqual({ ...expected, retries: 1 });
    expect(healthCheckOf(undefined, { ...image, Shell: ['/bin/bash', '-ec'] })?.argv).toEqual(['/bin/bash', '-ec', 'wget x']);
  });

  it.each([
    [undefined, {}],
    [none, {}],
    [{ ...none, test: ['NONE'] }, image],
    [undefined, { Healthcheck: { Test: ['NONE'] } }],
    [undefined, { Healthcheck: { Test: ['CMD'] } }],
  ])('is none for %j and %j', (asked, of) => {
    expect(healthCheckOf(asked, of)).toBeUndefined();
  });

  it('is usable or none, whatever an image says', () => {
    const config = fc.record({
      Healthcheck: fc.oneof(
        fc.jsonValue(),
        fc.record({ Test: fc.constant(['CMD', 'x']), Interval: fc.jsonValue(), Retries: fc.jsonValue(), Timeout: fc.double() }),
      ),
      Shell: fc.jsonValue(),
    });
    fc.assert(
      fc.property(config, (of) => {
        const check = healthCheckOf(undefined, of);
        if (check === undefined) return;
        const { intervalMs, timeoutMs, startPeriodMs, retries } = check;
        for (const ms of [intervalMs, timeoutMs]) expect(ms >= 1 && ms < 2 ** 31).toBe(true);
        expect(startPeriodMs).toBeGreaterThanOrEqual(0);
        expect(Number.isInteger(retries) && retries >= 1).toBe(true);
      }),
    );
  });
});
