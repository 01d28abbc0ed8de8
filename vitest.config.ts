import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
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
