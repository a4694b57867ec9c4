import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../json/part.ts';
import { caseKey, type Data, type Definitions, type Fields } from './compare-types.ts';

/** Where two versions read different values from the same bytes. */
export interface Difference {
  /** The path, in the names of the new version: `move.x`, `list[2]`. */
  readonly path: string;
  readonly old: unknown;
  readonly new: unknown;
}

/**
 * Compares what two versions read from the same bytes, as far as both declare it. Fields are matched by their place on the wire,
 * whatever their names; enumerations and flags by their numbers and bits. A field, a bit or a message that only one version
 * declares is left out.
 */
export class SharedValues {
  readonly #old: Definitions;
  readonly #new: Definitions;

  constructor(older: Definitions, newer: Definitions) {
    this.#old = older;
    this.#new = newer;
  }

  /** Compare two messages whose codecs use a tag. */
  messages(path: string, a: Data, b: Data, x: unknown, y: unknown): Difference | undefined {
    const around = (one: Data, part: 'header' | 'trailer'): Fields => one[part] as unknown as Fields;
    return (
      this.#fields(`${path}.header`, around(a, 'header'), around(b, 'header'), x, y) ??
      this.#choice(path, a.messages as never, b.messages as never, x, y) ??
      this.#fields(`${path}.trailer`, around(a, 'trailer'), around(b, 'trailer'), x, y)
    );
  }

  /** Compare two values of a field, which `before` and `after` describe. */
  type(path: string, before: Json, after: Json, x: unknown, y: unknown): Difference | undefined {
    const [a, b] = [resolved(before, this.#old), resolved(after, this.#new)];
    if (a.is === 'defaulted') return this.type(path, a.item!, after, x, y);
    if (b.is === 'defaulted') return this.type(path, before, b.item!, x, y);
    if (a.is !== b.is) return leaf(path, x, y);
    switch (a.is) {
      case 'struct':
        return this.#fields(path, a.fields as never, b.fields as never, x, y);
      case 'union':
        return this.#choice(path, a.cases as never, b.cases as never, x, y);
      case 'enumeration':
        return String(numberOf(a, x)) === String(numberOf(b, y)) ? undefined : { path, old: x, new: y };
      case 'flags':
        return this.#flags(path, a, b, x, y);
      case 'array':
        return this.#elements(path, a.item!, b.item!, x, y);
      case 'optional':
        if (x === undefined || y === undefined) return leaf(path, x, y);
        return this.type(path, a.item!, b.item!, x, y);
      case 'lazy':
      case 'bounded':
      case 'same':
        return this.type(path, a.item!, b.item!, x, y);
      default:
        return leaf(path, x, y);
    }
  }

  #fields(path: string, before: Fields, after: Fields, x: unknown, y: unknown): Difference | undefined {
    if (!isObject(x) || !isObject(y)) return leaf(path, x, y);
    const count = Math.min(before.length, after.length);
    for (let index = 0; index < count; index++) {
      const [a, b] = [before[index]!, after[index]!];
      const place = path === '' ? b.name : `${path}.${b.name}`;
      const found = this.type(place, a.type, b.type, x[a.name], y[b.name]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Compare two messages, or values of a union. A case that one version does not know shares nothing with the other version. */
  #choice(
    path: string,
    before: readonly Data[],
    after: readonly Data[],
    x: unknown,
    y: unknown,
  ): Difference | undefined {
    if (!isObject(x) || !isObject(y)) return leaf(path, x, y);
    const [a, b] = [before.find(({ name }) => name === x.type), after.find(({ name }) => name === y.type)];
    if (a === undefined && b === undefined) return leaf(path, [x.tag, x.payload], [y.tag, y.payload]);
    const isKnownToBoth = [before, after].every((all) =>
      all.some((one) => caseKey(one) === caseKey((a ?? b)!)),
    );
    if (a === undefined || b === undefined || caseKey(a) !== caseKey(b)) {
      return isKnownToBoth ? { path, old: x.type, new: y.type } : undefined;
    }
    const place = path === '' ? String(b.name) : `${path}.${String(b.name)}`;
    return (
      leaf(`${place}.tag`, a.tags && x.tag, b.tags && y.tag) ??
      this.#fields(place, a.fields as never, b.fields as never, x, y)
    );
  }

  #flags(path: string, a: Data, b: Data, x: unknown, y: unknown): Difference | undefined {
    if (!isObject(x) || !isObject(y)) return leaf(path, x, y);
    const names = new Map(Object.entries(b.names as object).map(([name, bit]) => [bit as number, name]));
    for (const [was, bit] of Object.entries(a.names as Record<string, number>)) {
      const is = names.get(bit);
      const found = is === undefined ? undefined : leaf(`${path}.${is}`, x[was], y[is]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #elements(path: string, before: Json, after: Json, x: unknown, y: unknown): Difference | undefined {
    if (!Array.isArray(x) || !Array.isArray(y)) return leaf(path, x, y);
    if (x.length !== y.length) return { path: `${path}.length`, old: x.length, new: y.length };
    for (let index = 0; index < x.length; index++) {
      const found = this.type(`${path}[${index}]`, before, after, x[index], y[index]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** The first difference between two values in the members that both have: what a program sees that uses the names. */
export function differenceByName(path: string, x: unknown, y: unknown): Difference | undefined {
  if (Array.isArray(x) && Array.isArray(y) && x.length !== y.length) {
    return { path: `${path}.length`, old: x.length, new: y.length };
  }
  if (!isObject(x) || !isObject(y) || x instanceof Uint8Array || y instanceof Uint8Array) {
    return leaf(path, x, y);
  }
  for (const name of Object.keys(x)) {
    if (!Object.hasOwn(y, name)) continue;
    const place = Array.isArray(x) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    const found = differenceByName(place, x[name], y[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function leaf(path: string, x: unknown, y: unknown): Difference | undefined {
  return isDeepStrictEqual(x, y) ? undefined : { path, old: x, new: y };
}

/** The number that an enumeration's value stands for. */
function numberOf({ names }: Data, value: unknown): unknown {
  return Object.hasOwn(names as object, value as string)
    ? (names as Record<string, Json>)[value as string]
    : value;
}

function resolved(json: Json, definitions: Definitions): Data {
  let one = json;
  while (typeof one === 'object' && one !== null && 'ref' in one) {
    one = definitions[(one as Data).ref as string]!;
  }
  return typeof one === 'object' && one !== null ? (one as Data) : { is: one };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
