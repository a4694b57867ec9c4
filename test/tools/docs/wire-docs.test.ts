import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { replies as kafkaReplies } from '../../../examples/kafka/replies.ts';
import { framing as kafkaFraming, requests as kafkaRequests } from '../../../examples/kafka/requests.ts';
import {
  framing as modbusFraming,
  replies as modbusReplies,
  requests as modbusRequests,
} from '../../../examples/modbus/tcp.ts';
import { framing as mqttFraming } from '../../../examples/mqtt/fixed-header.ts';
import { mqtt } from '../../../examples/mqtt/packets.ts';
import { clientMessages as postgresClientMessages } from '../../../examples/postgres/client-messages.ts';
import { framing as postgresFraming } from '../../../examples/postgres/framing.ts';
import { serverMessages as postgresServerMessages } from '../../../examples/postgres/server-messages.ts';
import { crc } from '../../../src/bytes/checksum.ts';
import { drone } from '../../../src/drone/index.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, messages } from '../../../src/protocol/fields/messages.ts';
import type { Framing } from '../../../src/protocol/framing/framing.ts';
import { lengthPrefix } from '../../../src/protocol/framing/length-prefix.ts';
import { defineSession } from '../../../src/protocol/session/session.ts';
import { type DocumentedProtocol, wireDocs } from '../../../src/tools/docs/wire-docs.ts';
import { codecFrom, VECTORS } from '../../protocol/fields/vectors.ts';
import { describeInChromium, useChromium } from '../../support/chromium.ts';
import { cli, root, run } from '../../support/run.ts';

const { message } = f;

function protocolOf(
  name: string,
  framing: unknown,
  clientMessages: unknown,
  serverMessages = clientMessages,
): DocumentedProtocol {
  return { name, framing, clientMessages, serverMessages } as DocumentedProtocol;
}

const one = (codec: unknown): DocumentedProtocol => protocolOf('one', lengthPrefix(), codec);
const page = (codec: unknown): string => wireDocs(one(codec)).text;

const EXAMPLES = [
  protocolOf('mqtt 5', mqttFraming, mqtt.with({ version: 5 })),
  protocolOf('modbus', modbusFraming, modbusRequests, modbusReplies),
  protocolOf('postgres', postgresFraming, postgresClientMessages, postgresServerMessages),
  protocolOf('kafka', kafkaFraming, kafkaRequests, kafkaReplies),
];

test.each(EXAMPLES.map((protocol) => [protocol.name, protocol] as const))(
  'the page of %s describes all of it, with an example of each message',
  (_, protocol) => {
    const { text, gaps } = wireDocs(protocol);
    expect(gaps).toEqual([]);
    expect(text).not.toMatch(/undefined|NaN|Infinity|\[object/);
    expect(text).not.toContain('No example');
    expect(wireDocs(protocol, { rfc: true }).text).not.toContain('```mermaid\n---');
  },
);

// A kind that the page could not describe would not compile; here is that each of its declarations gives a page.
test.each(VECTORS.map(({ kind, good }) => [kind, good] as const))(
  'every declaration of %s gives a page',
  (_, good) => {
    for (const declaration of new Set(good.map(([text]) => text))) {
      for (const options of [{}, { rfc: true }, { format: 'html' as const }]) {
        const { text } = wireDocs(one(codecFrom(declaration)), options);
        expect(text, declaration).not.toMatch(/undefined|NaN|Infinity|\[object/);
      }
    }
  },
);

test('a message that the parameters exclude has no example, and the page says so', () => {
  const { text, gaps } = wireDocs(protocolOf('mqtt 3.1.1', mqttFraming, mqtt.with({ version: 4 })));
  expect(gaps.map(({ where }) => where)).toEqual(['both: auth']);
  expect(text).toContain('the parameter `version`');
});

test('sizes, conditions, enumerations and checksums are described in sentences', () => {
  const text = page(
    codecOf(
      f.struct({
        head: f.bits(f.u8, { version: { width: 4, constant: 4 }, words: 4 }),
        mode: f.enumeration(f.u16le, { off: 0, on: 700 }),
        options: f.bytes(f.size('head.words', { unit: 4, add: -8 })),
        extra: f.optional(f.u24be, f.when('mode', 'on')),
        list: f.array(f.struct({ key: f.u8 }), f.size(f.i8, { nullAt: -1 }), { max: 9 }),
        sum: f.checksum(f.u16be, 'CRC-16/MODBUS', { after: 'head', append: [7] }),
      }),
    ),
  );
  for (const sentence of [
    '| `head.version` | bits 7 to 4 | number | Always `4`; anything else is refused. |',
    '0 is `off`, 700 is `on`; any other number is refused.',
    'as many bytes as `head.words` says, times 4, minus 8',
    'Only if `mode` is `"on"`.',
    'As many elements as `list (count)` says; −1 there means that there is no value (null).',
    'At most 9 elements; more is refused.',
    'The checksum `CRC-16/MODBUS` of the bytes from the end of `head` up to the sum itself. Any other value is refused. After these bytes, the bytes `07` (hex) are summed too; they are not sent.',
    'A CRC of 16 bits: the polynomial is `0x8005` (without its leading bit), the register begins as `0xffff`',
    'The checksum of the nine characters `123456789` in ASCII is `0x4b37`.',
  ]) {
    expect(text).toContain(sentence);
  }
});

test('every byte of an example is explained', () => {
  const text = page(
    messages(f.u8, {
      put: message(7, {
        key: f.cstring(),
        value: f.bounded(f.u16be, f.array(f.u8, f.u8)),
        there: f.optional(f.bool),
      }),
    }),
  );
  // 00 00 00 0d length · 07 tag · hello NUL · 0003 size · 02 count · 01 02 · 01 presence · 01
  expect(text).toContain(
    [
      '| `0e 00 00 00` | framing: before the 14 bytes of the payload |',
      '| `07` | `tag`: `7` |',
      '| `68 65 6c 6c 6f` | `key`: `"hello"` |',
      '| `00` | the terminator of `key` |',
      '| `00 03 02` | the size and count of `value` |',
      '| `01` | `value[0]`: `1` |',
      '| `02` | `value[1]`: `2` |',
      '| `01` | the presence of `there` |',
      '| `01` | `there`: `true` |',
    ].join('\n'),
  );
});

test('parts that only code defines are listed on the page and in the result', () => {
  const own = f.custom<number>({
    name: 'own',
    minSize: 1,
    size: () => 1,
    read: (cursor) => cursor.bytes[cursor.take(1)]!,
    write: (cursor, value) => {
      cursor.target[cursor.at++] = value;
    },
  });
  const summed = { name: 'mine', width: 8, compute: () => 7 };
  const { text, gaps } = wireDocs({
    ...one(
      messages(f.u8, {
        a: message(1, {
          own,
          when: f.mapped(f.u32be, { name: 'a time', decode: (n: number) => n, encode: (n: number) => n }),
          sum: f.checksum(f.u8, summed),
        }),
      }),
    ),
    framing: { name: 'own', reader() {}, writer() {} } as unknown as Framing,
  });
  expect(gaps.map(({ where, what }) => `${where}: ${what}`)).toEqual([
    'framing: a framing of its own (own)',
    'both: a.own: a custom field (own)',
    'both: a.when: a value that functions make (a time)',
    'both: a: no example: the declaration says no values of own, a custom field',
    'checksums: the checksum mine is computed by code of the program',
  ]);
  for (const { where } of gaps) expect(text).toContain(`- \`${where}\`: `);
  expect(wireDocs(one({ decode() {}, encode() {} } as never)).gaps[0]?.what).toBe(
    'a codec that is no declaration',
  );
});

test('options are checked', () => {
  expect(() => wireDocs(drone, { formatt: 'html' } as never)).toThrow('formatt');
});

const HOSTILE = '"><script>alert(1)</script>`|\n# x](javascript:alert(1))\u202e%%{init';

/** Names that would be markup, in every place where a name goes. */
function hostileProtocol(): DocumentedProtocol {
  const field = {
    [HOSTILE]: f.enumeration(f.u8, { [HOSTILE]: 1 }),
    [`b${HOSTILE}`]: f.utf8(f.u8),
    c: f.bits(f.u8, { [`x${HOSTILE}`]: 1, d: 7 }),
  };
  const codec = messages(f.u8, { [HOSTILE]: message(1, field) });
  return protocolOf(HOSTILE, lengthPrefix(), codec);
}

test('hostile names stay names in Markdown', () => {
  const { text } = wireDocs(hostileProtocol());
  // Outside of code spans and blocks there is no markup of theirs.
  const outside = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '');
  expect(outside).not.toMatch(/script|javascript|init/);
  expect(text).not.toContain('\u202e');
});

test('the command writes the page, and lists on stderr what it omits', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
  const out = path.join(folder, 'page.md');
  expect(await run([...cli, 'docs', '--out', out])).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(out, 'utf8')).toBe(wireDocs(drone).text);
  const module = path.join(folder, 'own.mjs');
  writeFileSync(
    module,
    `import * as w from ${JSON.stringify(pathToFileURL(path.join(root, 'dist/index.js')).href)};
     const messages = w.messages(w.u8, { a: w.message(1, { at: w.mapped(w.u8, { name: 'a time', decode: (n) => n, encode: (n) => n }) }) });
     export default { name: 'own', framing: w.lengthPrefix(), clientMessages: messages, serverMessages: messages };`,
  );
  const { status, stdout, stderr } = await run([...cli, 'docs', module, '--rfc']);
  expect(status).toBe(0);
  expect(stdout).toContain('+-+-+-+-+-+-+-+-+');
  expect(stderr).toBe(
    'wirepipe: not on the page: both: a.at: a value that functions make (a time); the field that holds it is described\n',
  );
  expect((await run([...cli, 'docs', '--rfc', '--html'])).status).toBe(2);
});

test('a byte diagram in characters, as RFCs draw it', () => {
  const { text } = wireDocs(
    one(
      codecOf(
        f.struct({
          a: f.bits(f.u8, { version: 4, urgent: 1, rest: 3 }),
          b: f.u24be,
          c: f.u64be,
          d: f.utf8(f.u8),
        }),
      ),
    ),
    { rfc: true },
  );
  expect(text).toContain(`\`\`\`text
 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|version|A|rest |                       b                       |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                               c                               |
+                                                               +
|                                                               |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  d (length)   /                       d                       /
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
\`\`\`

- \`A\` is \`urgent\``);
});

test('streams at the limits are shown with the frames that a reader takes from them', () => {
  const put = { name: f.utf8(f.u8), at: f.u16be };
  const text = page(messages(f.u8, { put: message(7, put), no: message(0) }));
  for (const row of [
    // length 4 · tag 7 · length 0 · at 1
    '| `04 00 00 00 07 00 00 01` | an empty text | `{"type":"put","name":"","at":1}` |',
    '| `06 00 00 00 07 02 c0 80 00 01` | a text that is not well-formed: an overlong form | refused: `ERR_MESSAGE_UTF8` |',
    '| `01 00 00 00 01` | a tag that no message has | refused: `ERR_MESSAGE_UNKNOWN` |',
    '| `00 00 00 00` | a payload of no bytes | refused: `ERR_MESSAGE_EMPTY` |',
  ]) {
    expect(text).toContain(row);
  }
  expect(text).toContain(
    '| `02 00 00 00 00 ff` | a message, and a byte after it in its frame | refused: `ERR_MESSAGE_TRAILING` |',
  );
  const ignoring = page(messages(f.u8, { put: message(7, put) }, { trailing: 'ignore' }));
  expect(ignoring).toContain('A sender sends exactly this many bytes. A reader ignores bytes after');
  expect(ignoring).toMatch(/a message, and a byte after it in its frame \| `\{"type":"put"/);
});

test('each refused input is listed once, with its direction if the name is ambiguous', () => {
  const client = messages(f.u8, { say: message(1, { text: f.utf8(f.u8) }) });
  const server = messages(
    f.u8,
    { say: message(1, { text: f.utf8(f.u8), on: f.bool }) },
    { trailing: 'ignore' },
  );
  const { text } = wireDocs(protocolOf('two', lengthPrefix(), client, server));
  expect(text.match(/^## What is refused$/gm)).toHaveLength(1);
  for (const row of [
    '| a payload of no bytes | any payload | `ERR_MESSAGE_EMPTY` |',
    '| bytes after a complete message, inside its frame | any message (messages of the client) | `ERR_MESSAGE_TRAILING` |',
    '| text that is not well-formed UTF-8 | `say.text` (messages of the client); `say.text` (messages of the server) | `ERR_MESSAGE_UTF8` |',
    '| a byte other than 0 and 1 for false or true | `say.on` (messages of the server) | `ERR_MESSAGE_VALUE` |',
  ]) {
    expect(text).toContain(row);
  }
});

test('the session is described in words: which side begins, what breaks it, final states, and a conversation', () => {
  const client = messages(f.u8, { ask: message(1), bye: message(2), stop: message(3) });
  const server = messages(f.u8, { yes: message(1), no: message(2) });
  const answer = () => ({ send: { type: 'yes' } }) as never;
  const session = defineSession({
    receives: client,
    sends: server,
    initial: 'open',
    states: {
      open: {
        on: {
          ask: { outcomes: { open: 'yes' }, handle: answer },
          bye: { outcomes: { 'all over': 'no' }, handle: answer },
        },
      },
      'all over': { final: true, otherwise: { outcomes: { 'all over': 'yes' }, handle: answer } },
    },
  } as never);
  const { text } = wireDocs({ ...protocolOf('s', lengthPrefix(), client, server), session } as never);
  expect(text).toContain('The server sends no greeting. A client need not wait');
  expect(text).toContain('A message that a state does not accept breaks the protocol');
  expect(text).not.toContain('If several answers or states are named');
  expect(text).toContain('### State `all over`\n\n- The last state');
  // The row of the final state is in no diagram: its answers are never sent.
  expect(text).toContain('open --> state1: bye / no\n    state1 --> [*]\n```');
  expect(text).toContain(
    [
      '| `ask`: `01 00 00 00 01` | `yes`: `01 00 00 00 01` | `open` |',
      '| `bye`: `01 00 00 00 02` | `no`: `01 00 00 00 02` | `all over` |',
    ].join('\n'),
  );
});

test('a custom CRC is shown with its parameters', () => {
  const own = crc({ name: 'mine', width: 16, polynomial: 0x1021, initial: 0, reflected: false, final: 0 });
  expect(page(codecOf(f.struct({ a: f.u8, sum: f.checksum(f.u16be, own) })))).toContain(
    'the polynomial is `0x1021`',
  );
});

describeInChromium('the page', () => {
  const chromium = useChromium();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
  const size = { width: 1000, height: 800 };

  test('of HTML shows headings, tables and pictures; names stay text', async () => {
    for (const protocol of [drone, hostileProtocol()]) {
      const file = path.join(folder, 'page.html');
      writeFileSync(file, wireDocs(protocol as DocumentedProtocol, { format: 'html' }).text);
      const opened = await chromium.open(pathToFileURL(file).href, size);
      expect(await opened.locator('script, a[href^=javascript]').count()).toBe(0);
      expect(await opened.locator('svg[aria-label^="byte diagram"]').count()).toBeGreaterThan(1);
      expect(await opened.locator('h2').first().textContent()).toBe('Framing');
      // The style is the page's own, and is let through.
      expect(
        await opened
          .locator('table')
          .first()
          .evaluate(
            (table) =>
              (
                globalThis as unknown as { getComputedStyle(of: unknown): { borderCollapse: string } }
              ).getComputedStyle(table).borderCollapse,
          ),
      ).toBe('collapse');
    }
    writeFileSync(path.join(folder, 'drone.html'), wireDocs(drone, { format: 'html' }).text);
    const opened = await chromium.open(pathToFileURL(path.join(folder, 'drone.html')).href, size);
    expect(await opened.locator('svg[aria-label^="state diagram"] text.name').allTextContents()).toEqual([
      '▶ handshake',
      'authenticated',
      'closing (final)',
    ]);
  });

  // Too large for every checkout: `npm install --no-save mermaid@12.3.0`.
  const mermaid = path.join(root, 'node_modules/mermaid/dist/mermaid.min.js');
  if (!existsSync(mermaid)) console.warn('skipped: mermaid is not installed');
  test.skipIf(!existsSync(mermaid))('of Markdown has diagrams that Mermaid draws', async () => {
    const all = [wireDocs(drone), wireDocs(EXAMPLES[1]!), wireDocs(hostileProtocol())];
    const diagrams = all.flatMap(({ text }) =>
      [...text.matchAll(/^```mermaid\n([\s\S]*?)\n```$/gm)].map(([, diagram]) => diagram!),
    );
    expect(diagrams.length).toBeGreaterThan(15);
    const file = path.join(folder, 'mermaid.html');
    const library = pathToFileURL(mermaid).href;
    writeFileSync(
      file,
      `<!doctype html><title>mermaid</title><div id="place"></div><script src="${library}"></script>`,
    );
    const opened = await chromium.open(pathToFileURL(file).href, {
      ...size,
      mayAsk: (url) => url.startsWith('file:'),
    });
    const drawn = await opened.evaluate(async (texts) => {
      const { mermaid: drawing } = globalThis as unknown as {
        mermaid: {
          initialize(options: object): void;
          render(id: string, text: string): Promise<{ svg: string }>;
        };
      };
      drawing.initialize({ startOnLoad: false, suppressErrorRendering: true });
      const results: string[] = [];
      for (const [index, text] of texts.entries()) {
        try {
          results.push((await drawing.render(`d${index}`, text)).svg.includes('<svg') ? 'drawn' : 'empty');
        } catch (error) {
          results.push(`${String(error)}\n${text}`);
        }
      }
      return results;
    }, diagrams);
    expect(drawn.filter((result) => result !== 'drawn')).toEqual([]);
  });
});
