import { defineConfig } from 'vitest/config';

// The tests of the pure core alone: what mutants of the core are judged by (stryker.config.json).
export default defineConfig({
  test: {
    include: ['test/*.test.ts', 'test/bytes/**/*.test.ts', 'test/protocol/**/*.test.ts'],
    exclude: [
      // Run other programs, or walk the sources, which Stryker has instrumented.
      'test/{examples,house,readme}.test.ts',
      // Counts work over megabytes; instrumented code takes minutes for it.
      'test/protocol/framing/limits.test.ts',
    ],
    testTimeout: 120_000,
  },
});
