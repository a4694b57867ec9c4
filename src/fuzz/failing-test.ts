import { aText, type Check, checkMembers, checkOptions, flag, integer, requireObjectOf } from '../options.ts';

import { JUDGING_CHECKS } from './judging.ts';

/** The values in a test that shows a failure. */
export interface FailingTestOptions {
  /** The failure, in words. */
  title: string;
  /** The file of the capture, beside the test. */
  capture: string;
  /** The module of the protocol as the test imports it, and the name of the export. */
  module: string;
  name: string;
  /** The server's address, unless `PORT` and `HOST`, or `SOCKET`, name another one. */
  place: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Connect with TLS, and accept any certificate. */
  tls?: boolean | undefined;
  /** The options for judging the server: `refusal`, `exact`, `unasked`, `timeout`, `gap`. */
  judging?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

/**
 * A test for `node --test` that fails as long as a server does what the capture shows.
 *
 * @example
 * writeFileSync('failure.test.mjs', failingTest({
 *   title: failure.text, capture: 'failure.ndjson', module: 'wirepipe/drone', name: 'drone', place: { host: '127.0.0.1', port: 4000 },
 * }));
 */
export function failingTest(options: FailingTestOptions): string {
  checkOptions('failingTest', options, { ...OPTIONS, tls: flag, judging: settings });
  checkMembers('failingTest', 'an object of options', options, OPTIONS);
  const { title, capture, module, name, place, tls = false, judging = {} } = options;
  const net = tls ? 'tls' : 'net';
  const address =
    'path' in place
      ? `{ path: process.env.SOCKET ?? ${quoted(place.path)}, allowHalfOpen: true }`
      : `{ port: Number(process.env.PORT ?? ${place.port}), host: process.env.HOST ?? ${quoted(place.host)}, allowHalfOpen: true }`;
  const given = Object.entries(judging).filter(([, value]) => value !== undefined);
  const judged = given
    .map(([key, value]) => `, ${key}: ${typeof value === 'string' ? quoted(value) : String(value)}`)
    .join('');
  const connect = tls
    ? [
        `    const socket = tls.connect({ ...address, rejectUnauthorized: false });`,
        `    await once(socket, 'secureConnect');`,
        '    return socket;',
      ]
    : ['    return net.connect(address);'];
  const lines = [
    '// Made by `wirepipe fuzz`. It fails as long as the server does what the capture shows: start the server, then node --test.',
    "import assert from 'node:assert/strict';",
    ...(tls ? ["import { once } from 'node:events';"] : []),
    `import ${net} from 'node:${net}';`,
    "import test from 'node:test';",
    "import { fileURLToPath } from 'node:url';",
    "import { readCapture } from 'wirepipe/captures';",
    "import { replayAttack } from 'wirepipe/fuzz';",
    `import ${imported(name)} from ${quoted(module)};`,
    '',
    `const address = ${address};`,
    `const capture = fileURLToPath(new URL(${quoted(encodeURI(capture))}, import.meta.url));`,
    '',
    `test(${quoted(title)}, async () => {`,
    '  const connect = async () => {',
    ...connect,
    '  };',
    `  const finding = await replayAttack(readCapture(capture), protocol, { connect${judged} });`,
    '  assert.equal(finding?.text, undefined);',
    '});',
  ];
  return `${lines.join('\n')}\n`;
}

const address: Check = (name, value) => {
  requireObjectOf(name, 'an object with a path, or with a host and a port', value);
  const checks: Record<string, Check> =
    'path' in (value as object) ? { path: aText } : { host: aText, port: integer(0, 65_535) };
  checkMembers(name, 'an address', value, checks);
};

const { connect: _, ...SETTINGS } = JUDGING_CHECKS;
const settings: Check = (name, value) => checkOptions(name, value, SETTINGS);

const OPTIONS = { title: aText, capture: aText, module: aText, name: aText, place: address };

function imported(name: string): string {
  if (name === 'default') return 'protocol';
  return name === 'protocol' ? '{ protocol }' : `{ ${name} as protocol }`;
}

/** A text as a JavaScript literal in single quotes; characters beyond ASCII are escaped. */
function quoted(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  const escaped = inside.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `'${escaped}'`;
}
