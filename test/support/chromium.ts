/** Pages in Debian's chromium (package `chromium`), without a window. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { root } from './run.ts';

const executablePath = '/usr/bin/chromium';

/** The longest wait for something on a page, in milliseconds: for what never comes, a little before the test itself is ended. */
export const PATIENCE = 100_000;

/** A `describe` whose tests need chromium. Without chromium they are skipped, and the name says why. */
export function describeInChromium(name: string, tests: () => void): void {
  describe.skipIf(!existsSync(executablePath))(`${name}, in chromium (Debian package chromium)`, tests);
}

export interface ChromiumOptions {
  width: number;
  height: number;
  colorScheme?: 'light' | 'dark' | undefined;
  /** Returns true if the page may request this address. Default: only its own address. */
  mayAsk?: ((url: string) => boolean) | undefined;
}

export interface Chromium {
  /** Open a page, which is closed after the test. */
  open(url: string, options: ChromiumOptions): Promise<Page>;
  /**
   * Console output, exceptions, dialogs and forbidden requests of the pages. A test that leaves anything here fails.
   */
  readonly noise: string[];
}

/** One browser for the tests of a `describe`; call it in the body. */
export function useChromium(): Chromium {
  let browser: Browser;
  const pages: Page[] = [];
  const noise: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: PATIENCE });
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
    expect(noise.splice(0)).toEqual([]);
  });
  return {
    noise,
    async open(url, { width, height, colorScheme = 'light', mayAsk = (asked) => asked === url }) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      pages.push(page);
      page.setDefaultTimeout(PATIENCE);
      page.on('console', (message) => noise.push(message.text()));
      page.on('pageerror', (error) => noise.push(String(error)));
      page.on('dialog', (dialog) => noise.push(dialog.message()));
      page.on('request', (request) => {
        if (!mayAsk(request.url())) noise.push(request.url());
      });
      await page.goto(url);
      return page;
    },
  };
}

/**
 * Take a screenshot of a page. `UPDATE_SCREENSHOTS` writes it to `docs/images/NAME.png`, which must exist in any case.
 */
export async function screenshot(page: Page, name: string): Promise<void> {
  const image = await page.screenshot();
  const shown = path.join(root, `docs/images/${name}.png`);
  if (process.env.UPDATE_SCREENSHOTS) writeFileSync(shown, image);
  expect(readFileSync(shown).subarray(1, 4).toString()).toBe('PNG');
}
