import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/fix-seed.ts'],
    testTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // The command line runs as a process of its own, built, and the page in a browser.
      exclude: ['src/cli/**', 'src/tools/view/page/**'],
      reporter: ['text', 'json-summary'],
      // A floor, raised when more is covered: of all branches, in per cent.
      thresholds: { branches: 91 },
    },
  },
});
