import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/fix-seed.ts'],
    // For what hangs, not for what is slow: programs start on a machine that does much else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      // The command line runs as a process of its own, built, and the page in a browser.
      exclude: ['src/cli/**', 'src/tools/view/page/**'],
      reporter: ['text', 'json-summary'],
      // Floors, raised when more is covered: of branches, in per cent. Parts of the tools and of the fleet run in other processes.
      thresholds: {
        'src/{bytes,protocol,streams,net,captures,testing,drone}/**': { branches: 92 },
        'src/{tools,fuzz,fleet}/**': { branches: 77 },
      },
    },
  },
});
