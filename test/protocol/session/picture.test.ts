import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drone } from '../../../src/drone/index.ts';
import { type Codec, defineSession } from '../../../src/index.ts';
import { toMarkdown, toMermaid } from '../../../src/protocol/session/picture.ts';

type In = { type: 'a' } | { type: 'b|c' };
type Out = { type: 'x' } | { type: 'y' };
const handle = () => {};
const session = defineSession({
  receives: { types: ['a', 'b|c'] } as unknown as Codec<In>,
  sends: { types: ['x', 'y'] } as unknown as Codec<Out>,
  initial: 'end',
  states: {
    end: {
      on: {
        a: { outcomes: { 'half; open': ['x', 'y'], end: [] }, handle },
        'b|c': { outcomes: { end: [] }, handle },
      },
      deadline: { within: 5, frame: 7 },
      unsolicited: ['x'],
    },
    'half; open': {
      on: { a: handle },
      next: ['last'],
      deadline: { idle: 9, handle: () => ({ next: 'last' }) },
      onEnter: () => ({ type: 'x' }),
      onEnd: () => ({ type: 'y' }),
      unsolicited: [],
    },
    last: { final: true },
  },
});

test('Mermaid: every arrow, with names it can read', () => {
  expect(toMermaid(session)).toBe(`stateDiagram-v2
    state "end" as state0
    state "half#59; open" as state1
    [*] --> state0
    state0 --> state1: a / x or y …
    state0 --> state0: a, b|c / nothing
    state0 --> [*]: 5 ms in the state, 7 ms in a frame
    state1 --> state1: a, 9 ms idle
    state1 --> last: a, 9 ms idle
    last --> [*]
`);
});

test('Markdown: every message in every state', () => {
  expect(toMarkdown(session)).toBe(
    [
      '|                      | `end`                                       | `half; open`        | `last` (final) |',
      '| -------------------- | ------------------------------------------- | ------------------- | -------------- |',
      '| `a`                  | `x` or `y` … → `half; open`<br>nothing      | any<br>any → `last` | ✗              |',
      '| `b\\|c`               | nothing                                     | ✗                   | ✗              |',
      '| *on entering*        |                                             | speaks              |                |',
      '| *when the peer ends* |                                             | speaks              |                |',
      '| *sent unasked*       | `x`                                         | nothing             |                |',
      '| *deadline*           | 5 ms in the state, 7 ms in a frame: the end | 9 ms idle: handled  |                |',
      '',
    ].join('\n'),
  );
});

test('postponed messages, timers and ends', () => {
  const waiting = defineSession({
    receives: { types: ['a', 'b|c'] } as unknown as Codec<In>,
    sends: { types: ['x', 'y'] } as unknown as Codec<Out>,
    initial: 'one',
    states: {
      one: {
        on: { a: { outcomes: { one: { until: 'y', of: 'x' } }, handle } },
        postpone: ['b|c'],
        timers: { retry: { outcomes: { one: { one: ['x', 'y'] } }, handle } },
      },
    },
  });
  expect(toMermaid(waiting)).toBe(`stateDiagram-v2
    [*] --> one
    one --> one: a / x …, y
    one --> one: timer retry / x or y
`);
  expect(toMarkdown(waiting)).toContain('waits');
});

test('names and labels with the syntax of Mermaid and Markdown', () => {
  const odd = defineSession({
    receives: { types: ['a|b', 'c\nd', 'e<f>#"'] } as unknown as Codec<{ type: string }>,
    sends: { types: ['x', 'y|z'] } as unknown as Codec<{ type: string }>,
    initial: '2nd',
    states: {
      '2nd': { on: { 'a|b': { outcomes: { note: 'y|z' }, handle } }, next: ['note'], unsolicited: ['y|z'] },
      note: { on: { 'c\nd': { outcomes: { a_1: 'x' }, handle } }, unsolicited: ['x', 'y|z'] },
      a_1: { otherwise: { outcomes: { a_1: [], 'x-y': ['y|z'] }, handle }, unsolicited: [] },
      'x-y': {
        on: { 'e<f>#"': { outcomes: { 'x-y': { until: ['x', 'y|z'] } }, handle } },
        deadline: { idle: 3 },
      },
    },
  });
  expect(toMermaid(odd)).toBe(`stateDiagram-v2
    state "2nd" as state0
    state "note" as state1
    state "x-y" as state3
    [*] --> state0
    state0 --> state1: a|b / y|z
    state1 --> a_1: c#10;d / x
    a_1 --> a_1: otherwise / nothing
    a_1 --> state3: otherwise / y|z …
    state3 --> state3: e#60;f#62;#35;#34; / x or y|z
    state3 --> [*]: 3 ms idle
`);
  expect(toMarkdown(odd)).toBe(
    [
      '|                | `2nd`           | `note`      | `a_1`                       | `x-y`              |',
      '| -------------- | --------------- | ----------- | --------------------------- | ------------------ |',
      '| `a\\|b`         | `y\\|z` → `note` | ✗           | nothing<br>`y\\|z` … → `x-y` | ✗                  |',
      '| `c d`          | ✗               | `x` → `a_1` | nothing<br>`y\\|z` … → `x-y` | ✗                  |',
      '| `e<f>#"`       | ✗               | ✗           | nothing<br>`y\\|z` … → `x-y` | `x` or `y\\|z`      |',
      '| *sent unasked* | `y\\|z`          | anything    | nothing                     |                    |',
      '| *deadline*     |                 |             |                             | 3 ms idle: the end |',
      '',
    ].join('\n'),
  );
});

test('words with a meaning in Mermaid name no state; several types, in words', () => {
  const names = ['state', 'note', 'end', 'as', 'class', 'classDef', 'direction', 'style', 'plain'] as const;
  const known = defineSession({
    receives: { types: ['a'] } as unknown as Codec<{ type: 'a' }>,
    sends: { types: ['x', 'y', 'z'] } as unknown as Codec<{ type: 'x' | 'y' | 'z' }>,
    initial: 'state',
    states: Object.fromEntries(
      names.map((name) => [
        name,
        {
          on: { a: { outcomes: { [name]: { until: 'z', of: ['x', 'y'] } }, handle } },
          unsolicited: ['x', 'y'],
        },
      ]),
    ) as never,
  });
  const lines = toMermaid(known).split('\n');
  expect(lines.slice(1, 9)).toEqual(names.slice(0, -1).map((name, i) => `    state "${name}" as state${i}`));
  expect(lines.at(-2)).toBe('    plain --> plain: a / x or y …, z');
  expect(toMarkdown(known)).toContain('| `x` or `y` …, `z` |');
  expect(toMarkdown(known)).toContain('| *sent unasked* | `x`, `y` ');
  const untold = defineSession({
    receives: { types: ['a'] } as unknown as Codec<{ type: 'a' }>,
    sends: { decode() {}, encode() {} } as never,
    initial: 'one',
    states: { one: { unsolicited: ['x'] as never } },
  });
  expect(toMarkdown(untold)).toContain('| *sent unasked* | `x` ');
});

test('the pictures of the drone in docs/session.md equal the drawn ones; `vitest -u` redraws them', async () => {
  const file = new URL('../../../docs/session.md', import.meta.url);
  const redrawn = readFileSync(file, 'utf8').replace(
    /(<!-- drawn -->\n).*?(<!-- end -->)/s,
    (_, start, end) =>
      `${start}\n\`\`\`mermaid\n${toMermaid(drone.session)}\`\`\`\n\n${toMarkdown(drone.session)}\n${end}`,
  );
  expect(redrawn).toContain('stateDiagram-v2');
  await expect(redrawn).toMatchFileSnapshot(file.pathname);
});
