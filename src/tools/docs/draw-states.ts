import type { Block, State } from './block.ts';
import { element, escapeText } from './element.ts';

const LINE = 20;
const GAP = 24;
const LANE = 16;
const CHARACTER = 7.3;

/**
 * A state diagram as SVG. The boxes of the states are stacked, with a line of text for each arrow. An arrow leaves the box beside
 * its line, runs in a lane of its own, and ends at the name of the next state. No two texts can overlap.
 */
export function drawStates({ initial, states }: Extract<Block, { is: 'states' }>): string {
  const width = Math.ceil(
    CHARACTER *
      Math.max(
        ...states.flatMap(({ name, arrows }) => [
          name.length + 12,
          ...arrows.map(({ label }) => label.length),
        ]),
      ) +
      24,
  );
  const tops = new Map<string, number>();
  let bottom = 4;
  for (const state of states) {
    tops.set(state.name, bottom);
    bottom += heightOf(state) + GAP;
  }
  let lane = 0;
  const parts: string[] = [];
  for (const state of states) {
    const top = tops.get(state.name)!;
    parts.push(element('rect', { class: 'box', x: 4, y: top, width, height: heightOf(state), rx: 6 }));
    const marks = `${state.name === initial ? '▶ ' : ''}${state.name}${state.final ? ' (final)' : ''}`;
    parts.push(element('text', { class: 'name', x: 14, y: top + 16 }, escapeText(marks)));
    for (const [index, { label, to }] of state.arrows.entries()) {
      const y = top + LINE * (index + 1);
      parts.push(element('text', { x: 14, y: y + 16 }, escapeText(label)));
      if (to === state.name) {
        parts.push(element('text', { x: width + 10, y: y + 16 }, '⟲'));
        continue;
      }
      lane++;
      const right = 4 + width;
      const x = right + LANE * (lane + 1);
      const end = to === undefined ? y + 12 : tops.get(to)! + 12;
      const path = `M ${right} ${y + 12} H ${x} V ${end} H ${right + 7}`;
      if (to === undefined) {
        parts.push(element('path', { class: 'line', d: `M ${right} ${y + 12} H ${right + 14}` }));
        parts.push(element('text', { x: right + 18, y: y + 16 }, '● the end'));
      } else {
        parts.push(element('path', { class: 'line', d: path }));
        parts.push(element('path', { class: 'head', d: `M ${right} ${end} l 8 -4 v 8 z` }));
      }
    }
  }
  const all = { width: Math.max(width + 120, width + LANE * (lane + 3)), height: bottom };
  const label = `state diagram: ${states.map(({ name }) => name).join(', ')}`;
  return element(
    'svg',
    { ...all, viewBox: `0 0 ${all.width} ${all.height}`, role: 'img', 'aria-label': label },
    parts.join(''),
  );
}

function heightOf({ arrows }: State): number {
  return LINE * (arrows.length + 1) + 8;
}
