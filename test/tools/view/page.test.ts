import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { ViewDocument, ViewEvent } from '../../../src/tools/view/document.ts';
import { describeInChromium, PATIENCE, screenshot, useChromium } from '../../support/chromium.ts';
import { cli, root, run } from '../../support/run.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
const flight = path.join(root, 'test/fixtures/flight.jsonl');
const flightPage = path.join(folder, 'flight.html');

describeInChromium('the page', () => {
  const chromium = useChromium();
  let page: Page;

  async function make(input: string, ...options: string[]): Promise<string> {
    const file = path.join(folder, 'page.html');
    const ran = await run([...cli, 'view', input, '--out', file, ...options]);
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
    return file;
  }

  /** The page of the flight is made once. */
  beforeAll(async () => {
    renameSync(await make(flight), flightPage);
  });

  async function open(file: string, colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
    page = await chromium.open(pathToFileURL(file).href, { width: 1_200, height: 640, colorScheme });
    await page.waitForSelector('#messages');
  }

  async function openDocument(events: ViewEvent[], connections = [{ name: 'one' }]): Promise<void> {
    const document: ViewDocument = {
      wirepipe: 'view',
      version: 1,
      title: 'made',
      protocol: 'p',
      connections,
      events,
    };
    const input = path.join(folder, 'document.json');
    writeFileSync(input, JSON.stringify(document));
    await open(await make(input));
  }

  const text = async (selector: string): Promise<string> => (await page.textContent(selector)) ?? '';
  const selected = (): Promise<string> => text('.row[aria-selected=true]');

  test('shows both lanes with the state between, and the count', async () => {
    await open(flightPage);
    expect(await text('#count')).toBe('12 of 12');
    expect(await page.locator('.row').count()).toBe(12);
    const first = page.locator('.row').first();
    expect(await first.locator('.lane.client').textContent()).toBe('write  text "HELLO" →');
    expect(await first.locator('.state').textContent()).toBe('handshake');
    expect(await first.locator('.lane.server').textContent()).toBe('');
    expect(await page.locator('.row').nth(1).locator('.lane.server').textContent()).toBe(
      '← ok  text "AUTH_OK"',
    );
  });

  test('a click shows the bytes by field; a field and its bytes are selected together', async () => {
    await open(flightPage);
    await page.locator('.row', { hasText: 'move  x 10' }).click();
    expect(await text('h2')).toBe('move');
    // move · x 10 · y 20
    expect(await page.locator('.byte').allTextContents()).toEqual('01 0a 00 00 00 14 00 00 00'.split(' '));
    const colours = await page
      .locator('.byte')
      .evaluateAll((all) => all.map((byte) => byte.className.trim()));
    expect(new Set(colours.slice(1, 5)).size).toBe(1);
    expect(new Set([colours[0], colours[1], colours[5]]).size).toBe(3);
    await page.locator('.byte').nth(6).click();
    expect(await text('.place')).toBe('y: offset 5, 4 bytes');
    expect(await text('.field[aria-selected=true]')).toBe('y20');
    expect(await page.locator('.byte.selected').count()).toBe(4);
    await page.locator('.field').nth(1).click();
    expect(await text('.place')).toBe('x: offset 1, 4 bytes');
  });

  test('everything works by keyboard', async () => {
    await open(flightPage);
    await page.keyboard.press('ArrowDown');
    expect(await selected()).toContain('AUTH_OK');
    await page.keyboard.press('End');
    expect(await selected()).toContain('BYE');
    await page.keyboard.press('Home');
    expect(await selected()).toContain('HELLO');
    await page.keyboard.press('/');
    await page.keyboard.type('moving_to(10');
    await page.keyboard.press('Escape');
    expect(await text('#count')).toBe('1 of 12');
    expect(await selected()).toContain('MOVING_TO(10, 20)');
    await page.locator('.fields').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await text('.place')).toBe('text: offset 1, 18 bytes');
  });

  test('a screen reader gets names, places and the selection', async () => {
    await open(flightPage);
    await page.locator('.row', { hasText: 'move  x 10' }).click();
    const message = page.getByRole('option', { selected: true });
    expect(await message.getAttribute('aria-label')).toBe('client, move  x 10  y 20');
    expect(await message.getAttribute('aria-setsize')).toBe('12');
    const list = page.getByRole('listbox', { name: 'messages' });
    expect(await list.getAttribute('aria-activedescendant')).toBe(await message.getAttribute('id'));
    const field = page.getByRole('treeitem', { name: 'x 10, offset 1, size 4' });
    await field.click();
    expect(await field.getAttribute('aria-selected')).toBe('true');
    const tree = page.getByRole('tree', { name: 'fields' });
    expect(await tree.getAttribute('aria-activedescendant')).toBe(await field.getAttribute('id'));
    expect(await page.getByRole('status').first().textContent()).toBe('12 of 12');
    await page.fill('#filter', 'type = ');
    expect(await page.getByRole('searchbox', { name: 'filter' }).getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByRole('alert').textContent()).toContain('expected a value');
  });

  test('search finds words and bytes, the filter fields; a bad filter says why and keeps the list', async () => {
    await open(flightPage);
    await page.fill('#search', '48 45 4c 4c 4f');
    expect(await text('#count')).toBe('1 of 12');
    await page.fill('#search', '');
    await page.fill('#filter', 'type = move and y > 20');
    expect(await text('#count')).toBe('1 of 12');
    await page.fill('#filter', '@from = client and @state = authenticated');
    expect(await text('#count')).toBe('5 of 12');
    await page.fill('#filter', 'type = ');
    expect(await text('[role=alert]')).toBe('expected a value at the end of the filter');
    expect(await text('#count')).toBe('5 of 12');
    await page.fill('#filter', 'type = land');
    expect(await text('#detail')).toBe('Nothing passes.');
  });

  test('types can be hidden and shown', async () => {
    await open(flightPage);
    await page.click('summary');
    await page.getByRole('checkbox', { name: 'ok' }).uncheck();
    expect(await text('#count')).toBe('7 of 12');
    await page.getByRole('checkbox', { name: 'ok' }).check();
    expect(await text('#count')).toBe('12 of 12');
  });

  test('two messages are compared field by field', async () => {
    await open(flightPage);
    await page.locator('.row', { hasText: 'move  x 10' }).click();
    await page.keyboard.press('m');
    await page.locator('.row', { hasText: 'move  x -1' }).click();
    await page.locator('.difference tbody tr').nth(2).waitFor();
    const rows = await page
      .locator('.difference tbody tr')
      .evaluateAll((all) =>
        all.map((row) => [row.className, ...[...row.children].map((cell) => cell.textContent)]),
      );
    expect(rows).toEqual([
      ['same', 'type', '1', '1'],
      ['differs', 'x', '10', '-1'],
      ['differs', 'y', '20', '2147483647'],
    ]);
  });

  test('a key pressed before the page is painted again is for the message just selected', async () => {
    await open(flightPage);
    const marked = await page.evaluate(`(async () => {
      const rendered = () => new Promise((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
      const row = (text) => [...document.querySelectorAll('.row')].find((each) => each.textContent.includes(text));
      row('move  x 10').click();
      await rendered();
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'm', bubbles: true }));
      await rendered();
      return document.querySelector('.row.marked').textContent;
    })()`);
    expect(marked).toContain('move  x 10');
  });

  test('copies as hex, JSON, and a test vector', async () => {
    await open(flightPage);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('.row', { hasText: 'move  x 10' }).click();
    const copied = async (name: string): Promise<string> => {
      await page.getByRole('button', { name: `copy as ${name}` }).click();
      await page.getByText(`copied as ${name}`).waitFor();
      return page.evaluate('navigator.clipboard.readText()');
    };
    expect(await copied('hex')).toBe('010a00000014000000');
    expect(JSON.parse(await copied('JSON'))).toEqual({ type: 'move', x: 10, y: 20 });
    const vector = await copied('test vector');
    expect(vector).toContain("'0a000000', // x: 10");
    // It is an expression that gives the bytes.
    expect(new Function('Buffer', `return ${vector}`)(Buffer)).toEqual(
      Buffer.from('010a00000014000000', 'hex'),
    );
  });

  test('hostile input is shown as text', async () => {
    const hostile = '</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028*/ //\n';
    const bytes = Buffer.from(hostile).toString('hex');
    await openDocument(
      [
        {
          is: 'message',
          connection: 0,
          from: 'client',
          time: 0,
          type: hostile,
          bytes,
          spans: [[hostile, 0, bytes.length / 2, hostile]],
          value: { type: hostile, __proto__: null, text: hostile },
          error: { code: hostile, message: hostile, offset: 0 },
          breach: hostile,
          state: hostile,
        },
        { is: 'gap', connection: 0, from: 'server', time: 1, text: hostile },
      ],
      [{ name: hostile }],
    );
    expect(await page.locator('img, #page script').count()).toBe(0);
    expect(await text('h2')).toBe(hostile);
    await page.keyboard.press('ArrowDown');
    expect(await text('.problem')).toBe(hostile);
    // And the policy refuses what is not the page's own, even if it got in.
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))`,
    );
    expect(await page.evaluate('window.ran')).toBeUndefined();
    await expect.poll(() => chromium.noise.join(), { timeout: PATIENCE }).toMatch(/Content Security Policy/);
    chromium.noise.length = 0;
  });

  test('faults, gaps and bad frames are marked', async () => {
    const place = { connection: 0, from: 'client', time: 0 } as const;
    await openDocument([
      {
        is: 'message',
        ...place,
        type: '',
        bytes: '02ff',
        spans: [['type', 0, 1, 'write']],
        error: { code: 'ERR_X', message: 'wrong', offset: 1 },
      },
      { is: 'gap', ...place, text: '10 bytes are missing' },
      { is: 'fault', ...place, text: 'ERR_FRAME_TOO_LONG' },
    ]);
    expect(await page.locator('.row.bad').count()).toBe(3);
    expect(await page.locator('.byte.wrong').textContent()).toBe('ff');
    expect(await text('.row:nth-child(2)')).toContain('10 bytes are missing');
  });

  test('noise between packets is marked in its place', async () => {
    const capture = path.join(folder, 'noisy.ndjson');
    const lines = [
      { format: 'wirepipe capture', version: 2 },
      // Two bytes of noise, a packet, one byte of noise, another packet.
      { time: 0, connection: 0, event: 'data', from: 'client', bytes: '0011010500132233f80006' },
      { time: 1, connection: 0, event: 'data', from: 'server', bytes: '06' },
    ];
    writeFileSync(capture, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await open(await make(capture, '--protocol', path.join(root, 'test/fixtures/protocols/serial.mjs')));
    const rows = await page.locator('.row').allTextContents();
    expect(rows.map((row) => /(noise|data|ack)/.exec(row)?.[0])).toEqual([
      'noise',
      'data',
      'noise',
      'ack',
      'ack',
    ]);
    expect(rows[0]).toContain('2 bytes');
    expect(await page.locator('.row.bad').count()).toBe(2);
    await page.locator('.row').first().click();
    expect(await text('#detail')).toContain('2 bytes');
    await page.click('summary');
    await page.getByRole('checkbox', { name: '(noise)' }).uncheck();
    expect(await text('#count')).toBe('3 of 5');
  });

  test('100,000 messages: rows are elements only while in view', async () => {
    const events = Array.from({ length: 100_000 }, (_, id): ViewEvent => {
      const hex = id.toString(16).padStart(8, '0');
      return {
        is: 'message',
        connection: 0,
        from: id % 2 === 0 ? 'client' : 'server',
        time: id,
        type: 'tick',
        bytes: `01${hex}`,
        spans: [
          ['type', 0, 1, 'tick'],
          ['id', 1, 5, id],
        ],
        value: { type: 'tick', id },
      };
    });
    await openDocument(events);
    expect(await text('#count')).toBe('100000 of 100000');
    // A second of scrolling from end to end: the rows there, and the time between frames.
    const { rows, frames } = (await page.evaluate(`new Promise((resolve) => {
      const list = document.querySelector('#messages');
      const frames = [];
      let rows = 0;
      let before = performance.now();
      const step = () => {
        const now = performance.now();
        frames.push(now - before);
        before = now;
        rows = Math.max(rows, document.querySelectorAll('.row').length);
        list.scrollTop = (list.scrollHeight * frames.length) / 60;
        if (frames.length < 60) requestAnimationFrame(step);
        else resolve({ rows, frames });
      };
      requestAnimationFrame(step);
    })`)) as { rows: number; frames: number[] };
    expect(rows).toBeGreaterThan(10);
    expect(rows).toBeLessThan(100);
    console.log(
      `frames of scrolling, ms: median ${frames.sort((a, b) => a - b)[30]!.toFixed(1)}, worst ${frames.at(-1)!.toFixed(1)}`,
    );
    await page.locator('#messages').focus();
    await page.keyboard.press('End');
    expect(await selected()).toContain('id 99999');
    await page.fill('#filter', 'id >= 99990 and @from = server');
    expect(await text('#count')).toBe('5 of 100000');
  });

  test.each(['light', 'dark'] as const)('screenshot, %s', async (scheme) => {
    await open(flightPage, scheme);
    await page.locator('.row', { hasText: 'move  x 10' }).click();
    await page.locator('.field').nth(1).click();
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(22, 24, 28)');
    await screenshot(page, `view-${scheme}`);
  });
});
