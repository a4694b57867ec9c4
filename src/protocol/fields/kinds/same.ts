import { hex } from '../../../bytes/hex.ts';
import { show } from '../../../bytes/show.ts';
import { Problem } from '../engine/problem.ts';
import {
  type AnyField,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldOut,
  nodeOf,
  type Repeated,
  valuedNodeOf,
} from '../field.ts';
import type { AnyNode, Decoding, Kind, ProblemDetails, Shape } from '../kind.ts';
import { declare } from '../node.ts';
import { bytes } from './bytes.ts';
import { DEFAULTED } from './defaulted.ts';

interface Same {
  readonly item: AnyNode;
  readonly path: string;
  /** It has no layout yet. It takes the layout of the field at the path once their structure is declared. */
  readonly isOpen: boolean;
}

export const SAME: Kind<Same> = {
  name: 'same',
  size: ({ item, isOpen }) => (isOpen ? { min: 0, max: Number.POSITIVE_INFINITY } : item.facts.size),
  shape: ({ item, path }) => ({ is: 'agreed', base: item, on: 'value', path }),
  call: ({ item, path }) => ({ maker: 'same', item, path }),
  references: ({ item, path, isOpen }) => [
    ...item.facts.references,
    { path, use: 'same', ...(!isOpen && { repeated: item }) },
  ],
  traits: ({ item }) => ({ ...item.facts.traits, agrees: true }),
  settle: ({ path }, target) => declare(SAME, { item: comparable(target), path, isOpen: false }),
  text: ({ item }) => item.facts.costs.text,
  slot: ({ item }) => item.kind.slot?.(item),
  foreseen: ({ item }) => item.kind.foreseen?.(item),

  read({ item, path }, walk) {
    const start = walk.at;
    const value = walk.value(item);
    const due = walk.find(path);
    if (isSame(value, due)) return value;
    throw differing('ERR_MESSAGE_VALUE', due, path, value, { at: start });
  },

  write({ item, path }, value, walk) {
    const due = walk.judged(path);
    if (value !== undefined && !isSame(value, due) && !isSame(value, walk.given(path))) {
      throw differing('ERR_FIELD_RANGE', due, path, value);
    }
    const written = walk.value(item, due);
    // Its own layout may round the number, or take the last characters of the text for padding.
    if (written !== undefined && !isSame(written(), due)) {
      throw differing('ERR_FIELD_RANGE', due, path, written());
    }
    walk.written = () => due;
  },

  decode(node, out) {
    const known = out.value(node.item);
    out.fail(differs(node, known.value, out.find(node.path).value, out));
    return known;
  },

  encode(node, value, out) {
    const due = out.define(out.judged(node.path));
    const isOther = `${differs(node, value, due, out)} && ${differs(node, value, out.given(node.path), out)}`;
    out.refuse(`${value} !== undefined && ${isOther}`);
    out.written = undefined;
    out.value(node.item, due);
    if (out.written !== undefined) out.refuse(differs(node, out.written, due, out));
    out.written = due;
  },

  bound({ item, path }, _, out) {
    out.settle();
    out.add(item, out.define(out.given(path)));
  },

  // It repeats a field that the encoder fills in: a size, a tag.
  checkAgreement({ item, path }, _, __, where) {
    if (item.kind.slot?.(item) !== undefined) return;
    throw new TypeError(
      `${where}: expected an integer of fixed width to repeat '${path}', which is filled in`,
    );
  },
  agreeRead() {},
  agreeDecode() {},
  agreeWrite({ path }, agreement, walk) {
    walk.agree(agreement.path, walk.filled(agreement.of!), `as '${path}' says`);
  },
  agreeEncode(_, { path, of }, out) {
    out.agree(path, out.define(out.filled(of!)));
  },
};

/** The most bytes that an error shows. */
const SHOWN = 16;

/** The shapes whose values can be compared: numbers, names, texts, bytes. */
const COMPARED: ReadonlySet<Shape['is']> = new Set(['integer', 'varint', 'digits', 'float', 'text', 'bytes']);

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

function differing(
  code: 'ERR_MESSAGE_VALUE' | 'ERR_FIELD_RANGE',
  due: unknown,
  path: string,
  value: unknown,
  details?: ProblemDetails,
): Problem {
  return new Problem(code, `${shown(due)}, as '${path}' says`, value, { ...details, got: shown(value) });
}

/** Bytes by their first ones: two values of the same length would look the same. */
function shown(value: unknown): string {
  if (!(value instanceof Uint8Array)) return show(value);
  return `${hex(value.subarray(0, SHOWN))}${value.length > SHOWN ? ' …' : ''} (hex)`;
}

/** Code that is true if the two values differ. */
function differs({ item }: Same, a: string, b: string, out: Pick<Decoding, 'constant'>): string {
  const { is } = item.kind.shape(item);
  if (is === 'float' || is === 'bytes') return `!${out.constant(isSame)}(${a}, ${b})`;
  return `${a} !== ${b}`;
}

/** The field, if its values can be compared; throws a TypeError if not. */
function comparable(item: AnyNode): AnyNode {
  if (item.kind === DEFAULTED) return comparable(item.kind.children!(item)[0]!);
  const shape = item.kind.shape(item);
  if (COMPARED.has(shape.is) && !(shape.is === 'integer' && shape.bits !== undefined)) return item;
  throw new TypeError(`same: expected a field of numbers, texts or bytes, got ${item.kind.name}`);
}

/**
 * A field that repeats an earlier one: checked on decode, filled in on encode. The earlier field may be a size or a tag. Without
 * a field of its own it has the layout of the field at the path; with one, both have values of the same type.
 *
 * @throws TypeError for a field whose values are not numbers, names, texts or bytes
 *
 * @example
 * struct({ length: u8, again: same('length'), body: bytes('length') });         // 02 | 02 | 61 62
 * struct({ length: u8, again: same(u16be, 'length'), body: bytes('length') });  // 02 | 00 02 | 61 62
 */
export function same<const P extends string>(path: P): Repeated<P>;
export function same<F extends AnyField, const P extends string>(
  field: F,
  path: P,
): Field<FieldOut<F>, FieldIn<F> | undefined, FieldFills<F> | `?${P}`>;
export function same(field: AnyField | string, path?: string): AnyField {
  const isOpen = typeof field === 'string';
  const of = isOpen ? field : path;
  if (typeof of !== 'string' || of === '') {
    throw new TypeError(`same(field, path): expected the path of an earlier field, got ${show(of)}`);
  }
  if (isOpen && path !== undefined) {
    throw new TypeError(`same(path): expected a field before the path, got ${show(field)}`);
  }
  const item = isOpen ? NONE : valuedNodeOf(field, 'same(field)', 'a field that repeats another');
  return declare(SAME, { item: comparable(item), path: of, isOpen });
}

/** Stands for a layout that is not known yet. */
const NONE: AnyNode = nodeOf(bytes(0), 'same(path)');
