import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LivePage } from '../../src/cli/live-page.ts';
import { drone } from '../../src/drone/protocol.ts';
import { type Client, connect, createServer } from '../../src/index.ts';
import { describeInChromium, PATIENCE, screenshot, useChromium } from '../support/chromium.ts';
import { cli, lineOf, start } from '../support/run.ts';

const server = createServer(drone);
let child: ChildProcessWithoutNullStreams;
/** Where the tap listens, and where its page is. */
let port = 0;
let url = new URL('http://127.0.0.1/');
beforeAll(async () => {
  await server.listen({ port: 0, host: '127.0.0.1' });
  const to = String((server.address() as AddressInfo).port);
  child = start([...cli, 'tap', '--listen', '0', '--to', to, '--view', '--quiet']);
  const [, at, page] = await lineOf(child, /^tap: \S+:(\d+) → .*\ntap: (http:\S+)\n/, 'stderr');
  port = Number(at);
  url = new URL(page!);
});
afterAll(async () => {
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const [status] = await closed;
  expect(status).toBe(0);
  await server.close({ deadline: 1 });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(pathname: string, options: http.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: url.port, path: pathname, ...options },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      },
    );
    request.on('error', reject).end();
  });
}

describe('access', () => {
  test('the page is served at its secret address only, and restricts what it loads', async () => {
    const { status, headers, body } = await ask(url.pathname);
    expect(status).toBe(200);
    expect(url.hostname).toBe('127.0.0.1');
    expect(url.pathname).toMatch(/^\/[0-9a-f]{32}\/$/);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(body).toMatch(
      /Content-Security-Policy" content="default-src 'none'; connect-src 'self'; script-src 'sha256-/,
    );
  });

  test.each([
    ['without the token', 404, '/', {}],
    ['with another token', 404, `/${'0'.repeat(32)}/`, {}],
    ['with a longer token', 404, `/${'0'.repeat(33)}/events`, {}],
    ['a path that there is not', 404, 'other', {}],
    ['under another name', 403, '', { headers: { host: 'evil.example' } }],
    ['under another port', 403, '', { headers: { host: '127.0.0.1:1' } }],
    ['by another method', 405, '', { method: 'POST' }],
  ])('%s: %i, and an empty body', async (_, expected, pathname, options) => {
    const asked = pathname.startsWith('/') ? pathname : `${url.pathname}${pathname}`;
    expect(await ask(asked, options)).toMatchObject({ status: expected, body: '' });
  });
});

test('it keeps a bounded number of bytes, the latest, for a page that is opened later', async () => {
  const live = await LivePage.open({ title: 'large messages', protocol: 'drone' });
  try {
    const bytes = 'ab'.repeat(1_000_000);
    for (let time = 0; time < 100; time++) {
      live.add(
        { is: 'message', connection: 0, from: 'client', time, type: 'write', bytes, spans: [] },
        'one',
      );
    }
    const [header, data] = await new Promise<string[]>((resolve, reject) => {
      const request = http.get(`${live.url}events?from=0`, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          // A short comment comes first. The data has no line ends, except behind it.
          if (chunk.at(-1) !== 0x0a || length < 1_000_000) return;
          request.destroy();
          resolve(Buffer.concat(chunks).toString().trim().split('\n').slice(-2));
        });
      });
      request.on('error', reject);
    });
    expect(header).toBe('id: 100');
    const { events } = JSON.parse(data!.slice('data: '.length)) as { events: { time: number }[] };
    // A message weighs 6 MB here, and at most 128 MiB are held.
    expect(events.length).toBeGreaterThanOrEqual(11);
    expect(events.length).toBeLessThanOrEqual(22);
    expect(events.map(({ time }) => time)).toEqual(
      Array.from({ length: events.length }, (_, i) => 100 - events.length + i),
    );
  } finally {
    live.close();
  }
});

describeInChromium('the live page', () => {
  const chromium = useChromium();
  let page: Page;

  async function open(colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
    const mayAsk = (asked: string): boolean => asked.startsWith(url.href);
    page = await chromium.open(url.href, { width: 1_200, height: 400, colorScheme, mayAsk });
    await page.waitForSelector('#messages');
  }

  const count = async (): Promise<number> => Number((await page.textContent('#count'))!.split(' ')[2]);
  const until = async (atLeast: number): Promise<void> => {
    await expect.poll(count, { timeout: PATIENCE }).toBeGreaterThanOrEqual(atLeast);
  };
  const fly = async (): Promise<Client<never, never>> => {
    const client = await connect(drone, { port, host: '127.0.0.1' });
    await client.request({ type: 'write', text: 'HELLO' });
    await client.request({ type: 'write', text: '<script>alert(1)</script>' });
    return client as never;
  };

  test.each(['light', 'dark'] as const)(
    'messages appear as they are sent, a late page shows earlier ones, and none moves the view; %s',
    async (scheme) => {
      await open(scheme);
      expect(await page.textContent('#live')).toBe('live');
      // The assigned port, in place of port 0.
      expect(await page.title()).toContain(`127.0.0.1:${port} → `);
      const before = await count();
      const client = await fly();
      await until(before + 4);
      await page.locator('.row', { hasText: '<script>alert(1)</script>' }).first().waitFor();
      for (let x = 0; x < 60; x++) await client.request({ type: 'move', x, y: 0 } as never);
      await until(before + 124);
      // The first message stays in view when more messages come.
      await page.locator('#messages').focus();
      await page.keyboard.press('Home');
      await client.request({ type: 'move', x: 777, y: 0 } as never);
      await until(before + 126);
      expect(await page.evaluate("document.getElementById('messages').scrollTop")).toBe(0);
      expect(await page.locator('.row', { hasText: 'x 777' }).count()).toBe(0);
      // Unless one follows.
      await page.check('#follow');
      await client.request({ type: 'move', x: 778, y: 0 } as never);
      await page.waitForSelector(".row[aria-selected=true]:has-text('778')");
      // A page opened later, and a filter, have all messages.
      const all = await count();
      await screenshot(page, `tap-${scheme}`);
      await page.close();
      await open(scheme);
      expect(await count()).toBeGreaterThanOrEqual(all);
      await page.fill('#filter', 'x = 777');
      await page.locator('.row', { hasText: 'x 777' }).first().waitFor();
      client.destroy();
      await client.closed.catch(() => {});
    },
  );
});
