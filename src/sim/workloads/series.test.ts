import { expect, test } from 'vitest';
import { Series } from './series.ts';

const sample = { demand: 0, cpu: 0, memory: 0, submitted: 0, placed: 0, refused: 0, messages: 0 };

test('a long trial keeps some hundred samples, evenly apart', () => {
  const series = new Series(5_000);
  for (let now = 5_000; now < 5_000 + 3_600_000; now += 40) series.add(now, () => sample);
  const at = series.samples.map(({ atSeconds }) => atSeconds);
  expect(at.length).toBeGreaterThan(64);
  expect(at.length).toBeLessThanOrEqual(128);
  const step = (at[1] ?? 0) - (at[0] ?? 0);
  expect(at[0]).toBe(0);
  expect(at.every((seconds, i) => Math.abs(seconds - i * step) < 1e-6)).toBe(true);
});
