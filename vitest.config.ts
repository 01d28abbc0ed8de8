import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Some thousand tests with real processes, kernels and clocks in one run: one that fails is tried once more, and named at
 * the end (scripts/second-tries.ts). What chooses at random chooses the same again.
 */
const AGAIN = 1;

export default defineConfig({
  test: {
    reporters: ['default', './scripts/second-tries.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          retry: AGAIN,
          setupFiles: ['test/draws.ts'],
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/transcripts/**/*.test.ts', 'test/openapi/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // The default leaves a core to the process that only listens.
          maxWorkers: Math.max(2, availableParallelism()),
        },
      },
      {
        test: {
          name: 'e2e',
          retry: AGAIN,
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 300_000,
          // Each has hosts of its own, and mostly waits for them.
          maxWorkers: 2,
        },
      },
      {
        test: { name: 'soak', include: ['test/soak/**/*.test.ts'], fileParallelism: false },
      },
    ],
  },
});
