import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import type { AnyNode, Shape } from '../../../src/protocol/fields/kind.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import { filterName } from '../../../src/tools/dissector/names.ts';
import type { Item } from './tshark.ts';

// biome-ignore lint/suspicious/noExplicitAny: any codec
type AnyCodec = DeclaredCodec<any>;

/** A value that the dissector has to show, behind the prefix of its filter name; undefined for one that it cannot know. */
export interface Expected {
  readonly name: string;
  readonly value: unknown;
  /** Its bytes are inside these. */
  readonly start: number;
  readonly end: number;
}

/** What our own decoding says of a frame, as a list of single values. */
export function expectedOf(codec: AnyCodec, frame: Buffer): Expected[] {
  const { root } = codec.declaration;
  const shape = root.kind.shape(root);
  const expected: Expected[] = [];
  const { spans, value } = trace(codec, frame);
  const isMessages = shape.is === 'choice';
  const message = isMessages ? (value as { type: string }) : undefined;
  const one = isMessages ? shape.cases.find(({ name }) => name === message!.type)! : undefined;
  const header = new Set(isMessages ? one!.group.entries.slice(0, shape.before).map(([name]) => name) : []);
  for (const { path, start, end, value: found } of spans) {
    if (path === '' || (path === 'type' && isMessages)) continue;
    const steps = path.split(/[.[]/).map((step) => step.replace(/\]$/, ''));
    const names = namesAt(one?.group ?? root, steps, value);
    if (names === undefined) continue;
    const [node, inside] = names;
    const outer = isMessages && !header.has(steps[0]!) ? [one!.name] : [];
    // A recursion has the names of its first level.
    const name = [...outer, ...inside]
      .map(filterName)
      .join('.')
      .replaceAll(/(^|\.)(children|array\.items)(?:\.\2)+/g, '$1$2');
    const own = node.kind.shape(node);
    if (own.is === 'integer' && own.bits !== undefined && typeof found === 'object') {
      for (const [member, part] of Object.entries(found as object)) {
        expected.push({ name: `${name}.${filterName(member)}`, value: part, start, end });
      }
      continue;
    }
    if (found === null || found === undefined || own.is === 'fixed') continue;
    if (typeof found === 'object' && !(found instanceof Uint8Array)) continue;
    const named = 'names' in own ? own.names : undefined;
    const raw = [...(named?.byValue ?? [])].find(([, text]) => text === found)?.[0];
    expected.push({ name, value: raw ?? found, start, end });
  }
  return expected;
}

/** The field at a path, and the path as the filter has it: without indices, the case of a union in it. */
function namesAt(root: AnyNode, steps: readonly string[], value: unknown): [AnyNode, string[]] | undefined {
  let node: AnyNode = root;
  let found = value as Record<string, unknown> | undefined;
  const names: string[] = [];
  for (const step of steps) {
    let shape = unwrap(node);
    if (shape.is === 'choice') {
      const one = shape.cases.find(({ name }) => name === found?.type);
      if (one === undefined || step === 'type') return undefined;
      names.push(one.name);
      node = one.group;
      shape = unwrap(node);
    }
    found = found?.[step] as typeof found;
    if (shape.is === 'list') node = shape.item;
    else if (shape.is === 'group') {
      const member = shape.members.find(([name]) => name === step);
      if (member === undefined) return undefined;
      node = member[1];
      names.push(step);
    } else return undefined;
  }
  const shape = unwrap(node);
  if (shape.is === 'inside' && shape.made !== undefined) return undefined;
  while (isWrapped(node)) node = innerOf(node);
  return [node, names];
}

function isWrapped(node: AnyNode): boolean {
  const shape = node.kind.shape(node);
  if (shape.is === 'inside') return shape.made === undefined || shape.usual !== undefined;
  return shape.is === 'maybe' || shape.is === 'agreed' || shape.is === 'sum';
}

function innerOf(node: AnyNode): AnyNode {
  const shape = node.kind.shape(node) as { item?: AnyNode; base?: AnyNode };
  return (shape.item ?? shape.base)!;
}

function unwrap(node: AnyNode): Shape {
  let inner = node;
  while (isWrapped(inner)) inner = innerOf(inner);
  return inner.kind.shape(inner);
}

/** What of the expected values differs from what tshark shows; undefined where nothing does. */
export function difference(
  expected: readonly Expected[],
  items: readonly Item[],
  prefix: string,
  frameAt: number,
): string | undefined {
  const names = new Set(expected.map(({ name }) => `${prefix}.${name}`));
  const shown = items.filter(({ name }) => names.has(name));
  if (shown.length !== expected.length) {
    const had = shown.map(({ name, value }) => `${name}=${value}`).join(' ');
    return `expected ${expected.length} values (${[...names].join(' ')}), got ${shown.length}: ${had}`;
  }
  for (const [index, { name, value, start, end }] of expected.entries()) {
    const item = shown[index]!;
    if (item.name !== `${prefix}.${name}`) return `expected ${prefix}.${name}, got ${item.name}`;
    if (!isShown(value, item))
      return `${item.name}: expected ${String(value)}, got ${item.value} (${item.hex})`;
    const at = item.at - frameAt;
    // Wireshark gives no place to what takes no bytes.
    if (item.length > 0 && (at < start || at + item.length > end)) {
      return `${item.name}: expected bytes ${start} to ${end}, got ${at} to ${at + item.length}`;
    }
  }
  return undefined;
}

function isShown(value: unknown, { value: shown, hex, length }: Item): boolean {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex') === (length === 0 ? '' : hex);
  if (typeof value === 'boolean')
    return shown === String(Number(value)) || shown.toLowerCase() === String(value);
  if (typeof value === 'string') return shown === value.replaceAll('\0', '\u2400');
  if (typeof value === 'bigint' || /^-?\d+$/.test(shown))
    return Number(value) === 0 ? Number(shown) === 0 : shown === String(value);
  // A float is shown to 6 or 15 digits.
  const number = value as number;
  if (!Number.isFinite(number))
    return shown.replace(/^-?nan$/, 'NaN').replace('inf', 'Infinity') === String(number);
  // The greatest, rounded up, are beyond what a number is.
  return Math.abs(Number(shown) / number - 1) < 1e-5 || (Math.abs(number) > 1e308 && /e\+308$/.test(shown));
}
