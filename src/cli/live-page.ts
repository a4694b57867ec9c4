import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ViewConnection, ViewEvent } from '../tools/view/document.ts';
import { renderPage } from '../tools/view/render-page.ts';

/** Events kept for pages opened later: this many, of about this many bytes. At times twice as many are held. */
const MOST_KEPT = 100_000;
const MOST_BYTES = 67_108_864;
/** Milliseconds between two messages to a page. */
const INTERVAL = 250;
/** The most bytes waiting for a page. A page that falls further behind is disconnected, and reconnects by itself. */
const MOST_WAITING = 16_777_216;

const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
};

interface Reader {
  readonly response: http.ServerResponse;
  /** The number of the next event to send. */
  next: number;
}

/**
 * Serves the page of `view`, and sends it events as they come.
 *
 *     GET /TOKEN/         the page, with the events so far
 *     GET /TOKEN/events   a stream of later events (text/event-stream)
 *
 * It listens on the loopback interface only. A request without the token is refused, and so is one with another `Host`:
 * another web page could send it under its own name (DNS rebinding).
 */
export class LivePage {
  /** The page's address, with the token. */
  readonly url: string;
  readonly #server: http.Server;
  readonly #token: Buffer;
  readonly #hosts: ReadonlySet<string>;
  /** The page's title; the caller may set it later. */
  title: string;
  readonly #protocol: string;
  readonly #connections: ViewConnection[] = [];
  #events: ViewEvent[] = [];
  /** About how many bytes the events take. */
  #bytes = 0;
  /** The number of the first event kept. */
  #first = 0;
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(server: http.Server, about: { title: string; protocol: string }) {
    const { port } = server.address() as AddressInfo;
    const token = randomBytes(16).toString('hex');
    this.#server = server;
    this.title = about.title;
    this.#protocol = about.protocol;
    this.#token = Buffer.from(token);
    this.#hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
    this.url = `http://127.0.0.1:${port}/${token}/`;
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) =>
      this.#answer(request, response),
    );
  }

  /** @param about - the title and the protocol shown on the page */
  static async open(about: { title: string; protocol: string }): Promise<LivePage> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LivePage(server, about);
  }

  /** @param connection - the name of the event's connection */
  add(event: ViewEvent, connection: string): void {
    for (let i = this.#connections.length; i <= event.connection; i++) {
      this.#connections.push({ name: i === event.connection ? connection : `connection ${i}` });
    }
    this.#connections[event.connection] = { name: connection };
    this.#events.push(event);
    this.#bytes += bytesOf(event);
    // Drop the oldest events, many at once.
    if (this.#events.length > 2 * MOST_KEPT || this.#bytes > 2 * MOST_BYTES) this.#forget();
    if (this.#readers.size > 0) this.#timer ??= setTimeout(() => this.#send(), INTERVAL);
  }

  close(): void {
    this.#send();
    for (const { response } of this.#readers) response.end();
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Keep the latest events within the limits, at least the last one. */
  #forget(): void {
    const events = this.#events;
    let dropped = 0;
    while (dropped < events.length - 1 && (events.length - dropped > MOST_KEPT || this.#bytes > MOST_BYTES)) {
      this.#bytes -= bytesOf(events[dropped++]!);
    }
    this.#first += dropped;
    this.#events = events.slice(dropped);
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method, headers, url = '' } = request;
    const [, token = '', path = '', from] = /^\/([^/?]*)\/(events)?(?:\?from=(\d{1,15}))?$/.exec(url) ?? [];
    if (!this.#hosts.has(headers.host ?? '')) refuse(response, 403);
    else if (!this.#isToken(token)) refuse(response, 404);
    else if (method !== 'GET') refuse(response, 405);
    else if (path === 'events') this.#follow(response, Number(headers['last-event-id'] ?? from ?? 0));
    else this.#page(response);
  }

  #page(response: http.ServerResponse): void {
    const page = renderPage({
      wirepipe: 'view',
      version: 1,
      title: this.title,
      protocol: this.#protocol,
      connections: this.#connections,
      events: this.#events,
      live: this.#first + this.#events.length,
    });
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' }).end(page);
  }

  #follow(response: http.ServerResponse, from: number): void {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    // A proxy or browser may hold back the response until its first bytes arrive.
    response.write(': here\n\n');
    const reader = { response, next: Number.isSafeInteger(from) ? from : 0 };
    this.#readers.add(reader);
    response.once('close', () => this.#readers.delete(reader));
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const end = this.#first + this.#events.length;
    for (const reader of this.#readers) {
      const { response, next } = reader;
      if (next >= end) continue;
      if (response.writableLength > MOST_WAITING) {
        response.destroy();
        continue;
      }
      const events = this.#events.slice(Math.max(0, next - this.#first));
      const data = JSON.stringify({ connections: this.#connections, events });
      response.write(`id: ${end}\ndata: ${data}\n\n`);
      reader.next = end;
    }
  }

  #isToken(token: string): boolean {
    const given = Buffer.from(token);
    return given.length === this.#token.length && timingSafeEqual(given, this.#token);
  }
}

/** About how many bytes an event takes: its hex, which its value and its fields may repeat, and the objects. */
function bytesOf(event: ViewEvent): number {
  const content =
    event.is === 'message' ? 3 * event.bytes.length + 100 * event.spans.length : event.text.length;
  return 200 + content;
}

function refuse(response: http.ServerResponse, status: number): void {
  response.writeHead(status, HEADERS).end();
}
