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

test('what waits, runs out, or has an end', () => {
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

test("the drone's pictures in docs/session.md are what the code draws; `vitest -u` redraws them", async () => {
  const file = new URL('../../../docs/session.md', import.meta.url);
  const redrawn = readFileSync(file, 'utf8').replace(
    /(<!-- drawn -->\n).*?(<!-- end -->)/s,
    (_, start, end) =>
      `${start}\n\`\`\`mermaid\n${toMermaid(drone.session)}\`\`\`\n\n${toMarkdown(drone.session)}\n${end}`,
  );
  expect(redrawn).toContain('stateDiagram-v2');
  await expect(redrawn).toMatchFileSnapshot(file.pathname);
});
