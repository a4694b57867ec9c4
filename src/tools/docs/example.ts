import type { Span } from '../../protocol/fields/engine/read-walk.ts';
import { trace } from '../../protocol/fields/engine/trace.ts';
import type { AnyNode, Extent, Shape } from '../../protocol/fields/kind.ts';
import { code, count, hexOf, say, type Text } from './block.ts';
import type { AnyDeclared } from './sample.ts';
import { valueText } from './words.ts';

/** Some bytes of an example, and their meaning. */
export interface Explained {
  readonly bytes: Uint8Array;
  readonly about: Text;
}

/** Every byte of a payload, explained by the field it belongs to. */
export function explain(codec: AnyDeclared, payload: Buffer): Explained[] {
  const { spans, value } = trace(codec, payload);
  const type = (value as { type?: unknown } | undefined)?.type;
  const leaves = spans
    .filter((span) => !spans.some((other) => isInside(other, span)))
    .sort((a, b) => a.start - b.start);
  const parts: Explained[] = [];
  let at = 0;
  const between = (end: number): void => {
    if (end <= at) return;
    const round = spans.filter((span) => span.start <= at && span.end >= end).at(-1);
    const of =
      round === undefined || round.path === ''
        ? say`bytes between fields`
        : say`the ${[skinWords(codec.declaration.root, round.path, type)]} of ${round.path}`;
    const isEnd = at >= (leaves.at(-1)?.end ?? 0);
    parts.push({
      bytes: payload.subarray(at, end),
      about: isEnd && round?.path === '' ? say`after the message` : of,
    });
    at = end;
  };
  for (const span of leaves) {
    if (span.end === span.start || span.start < at) continue;
    between(span.start);
    parts.push(...leafParts(codec, payload, span, type));
    at = span.end;
  }
  between(payload.length);
  return parts;
}

function isInside(inner: Span, outer: Span): boolean {
  if (inner === outer || inner.path === outer.path) return false;
  const isBelow =
    outer.path === ''
      ? inner.path !== ''
      : inner.path.startsWith(outer.path) && /^[.[]/.test(inner.path.slice(outer.path.length));
  return isBelow && inner.end > inner.start;
}

/** The prefix, the content and the terminator of one field. */
function leafParts(codec: AnyDeclared, payload: Buffer, span: Span, type: unknown): Explained[] {
  const { path, start, end } = span;
  const bytes = payload.subarray(start, end);
  if (path === '') return [{ bytes, about: say`the value ${shown(span.value)}` }];
  const shape = shapeAt(codec.declaration.root, path, type);
  // A span without a field is the tag of the message, or of a choice in it.
  if (shape === undefined && /(^|\.)type$/.test(path)) {
    return [{ bytes, about: say`${path.replace(/type$/, 'tag')}: ${shown(span.value)}` }];
  }
  const extent = extentOf(shape);
  const behind = extent?.from === 'terminator' ? extent.bytes.length : 0;
  const parts: Explained[] = [];
  let before = 0;
  const cut = (width: number, what: string): void => {
    if (width > 0)
      parts.push({ bytes: bytes.subarray(before, before + width), about: say`the ${[what]} of ${path}` });
    before += width;
  };
  const [node] = nodesAt(codec.declaration.root, path, type);
  for (const skin of node === undefined ? [] : skinsOf(node)) {
    if (skin.is === 'maybe' && skin.when === undefined) cut(1, 'presence');
    if (skin.is === 'inside' && skin.length?.from === 'prefix') {
      cut(prefixWidth(skin.length.node, bytes.subarray(before)), 'size');
    }
  }
  if (extent?.from === 'prefix') {
    cut(prefixWidth(extent.node, bytes.subarray(before)), shape?.is === 'list' ? 'count' : 'length');
  }
  const content = bytes.subarray(before, bytes.length - behind);
  if (content.length > 0) parts.push({ bytes: content, about: leafWords(path, span.value, shape) });
  if (behind > 0)
    parts.push({ bytes: bytes.subarray(bytes.length - behind), about: say`the terminator of ${path}` });
  return parts;
}

function leafWords(path: string, value: unknown, shape: Shape | undefined): Text {
  if (shape?.is === 'fixed' || shape?.is === 'filling')
    return say`${path}: ${[shape.is === 'fixed' && !shape.unchecked ? 'constant' : 'padding']}`;
  if (shape?.is === 'sum') return say`${path}: ${shape.algorithm}, ${shown(value)}`;
  return say`${path}: ${shown(value)}`;
}

/** The number of bytes of the prefix right before a field. */
function prefixWidth(node: AnyNode, bytes: Uint8Array): number {
  const { min, max } = node.facts.size;
  if (min === max) return min;
  if (node.kind.shape(node).is !== 'varint') return 0;
  let width = 1;
  while (width < bytes.length && bytes[width - 1]! >= 0x80) width++;
  return width;
}

function extentOf(shape: Shape | undefined): Extent | undefined {
  if (shape?.is === 'bytes' || shape?.is === 'text' || shape?.is === 'filling') return shape.length;
  if (shape?.is === 'list') return shape.count;
  return shape?.is === 'digits' ? shape.length : undefined;
}

/** What may precede the content of a field, in words. */
function skinWords(root: AnyNode, path: string, type: unknown): string {
  const [node] = nodesAt(root, path, type);
  const words = (node === undefined ? [] : skinsOf(node)).map((shape) => {
    if (shape.is === 'maybe') return shape.when === undefined ? 'presence' : '';
    if (shape.is === 'inside') return shape.length?.from === 'prefix' ? 'size' : '';
    return shape.is === 'list' ? 'count' : '';
  });
  return words.filter((word) => word !== '').join(' and ') || 'framing';
}

/** The shape of a field and the shapes in the same place inside it, from the outside in. */
function skinsOf(node: AnyNode): Shape[] {
  const shape = node.kind.shape(node);
  return shape.is === 'maybe' || shape.is === 'inside' ? [shape, ...skinsOf(shape.item)] : [shape];
}

/** The shape of the field at a path such as `items[3].key`, without the shapes that wrap it. */
function shapeAt(root: AnyNode, path: string, type: unknown): Shape | undefined {
  return nodesAt(root, path, type).map(bare)[0];
}

function nodesAt(root: AnyNode, path: string, type: unknown): AnyNode[] {
  let nodes: AnyNode[] = [root];
  for (const step of path.match(/[^.[\]]+/g) ?? []) {
    nodes = nodes.flatMap((node) => below(node, step, node === root ? type : undefined));
  }
  return nodes;
}

function below(node: AnyNode, step: string, type: unknown): AnyNode[] {
  const shape = bare(node);
  if (shape.is === 'list') return [shape.item];
  if (shape.is === 'group')
    return shape.members.filter(([name]) => name === step).map(([, member]) => member);
  if (shape.is !== 'choice') return [];
  const cases = shape.cases.filter(({ name }) => type === undefined || name === type);
  return cases.flatMap(({ group }) => below(group, step, undefined));
}

function bare(node: AnyNode): Shape {
  const shape = node.kind.shape(node);
  if (shape.is === 'maybe' || shape.is === 'inside') return bare(shape.item);
  return shape.is === 'agreed' ? bare(shape.base) : shape;
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return value.length === 0 ? 'no bytes' : count(value.length, 'byte');
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one));
  }
  return valueText(value);
}

/** A row for each part: its bytes and their meaning. */
export function exampleRows(parts: readonly Explained[]): Text[][] {
  return parts.map(({ bytes, about }) => [
    [code(bytes.length > 32 ? `${hexOf(bytes.subarray(0, 32))} …` : hexOf(bytes))],
    about,
  ]);
}
