import { defineConfig } from 'vitest/config';

// What mutants are judged by (stryker.config.json): the tests of the pure core, or those that TESTS names.
const { TESTS } = process.env;

export default defineConfig({
  test: {
    include: TESTS?.split(',') ?? ['test/*.test.ts', 'test/bytes/**/*.test.ts', 'test/protocol/**/*.test.ts'],
    exclude: [
      // Run other programs, or walk the sources, which Stryker has instrumented.
      'test/{examples,house,readme}.test.ts',
      // Counts work over megabytes; instrumented code takes minutes for it.
      'test/protocol/framing/limits.test.ts',
    ],
    testTimeout: 120_000,
  },
});
