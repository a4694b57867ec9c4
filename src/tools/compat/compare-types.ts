import { same } from '../json/framing.ts';
import type { Json } from '../json/part.ts';
import { BOTH, type Breaks, type Change } from './change.ts';

export type Data = { readonly [name: string]: Json };
export type Fields = readonly { readonly name: string; readonly type: Json }[];
export type Definitions = { readonly [name: string]: Json };

/** Finds the differences between two declarations as data. A change that is not known to be safe counts as a break. */
export class TypeComparison {
  readonly changes: Change[] = [];
  /** The changes where a name now leads elsewhere. Only the values show them. */
  readonly misled: Set<Change> = new Set();
  readonly #old: Definitions;
  readonly #new: Definitions;
  /** Pairs of definitions that were met, so that a recursion ends. */
  readonly #met = new Set<string>();
  /** The fields in scope that were renamed, from the outermost scope inward. */
  readonly #scopes: Map<string, string>[] = [];

  constructor(older: Definitions, newer: Definitions) {
    this.#old = older;
    this.#new = newer;
  }

  add(path: string, breaks: readonly Breaks[], reason: string): void {
    this.changes.push({ path, breaks, reason });
  }

  #mislead(path: string, reason: string): void {
    this.add(path, BOTH, reason);
    this.misled.add(this.changes.at(-1)!);
  }

  type(path: string, before: Json, after: Json): void {
    const [was, is] = [before, after].map((one, index) => this.#resolved(one, index));
    if (typeof before === 'object' && typeof after === 'object' && 'ref' in before! && 'ref' in after!) {
      const key = `${String(before.ref)} ${String(after.ref)}`;
      if (this.#met.has(key)) return;
      this.#met.add(key);
    }
    if (typeof was === 'string' || typeof is === 'string') {
      if (was !== is) this.add(path, BOTH, `the field was ${nameOf(was)} and is ${nameOf(is)}`);
      return;
    }
    const [a, b] = [was as Data, is as Data];
    // A default that the encoder writes changes nothing for a reader.
    if (a.is === 'defaulted' || b.is === 'defaulted') {
      if (a.is !== b.is || !same(a.value, b.value))
        this.add(path, [], 'the default that a writer fills in has changed');
      this.type(path, a.is === 'defaulted' ? a.item! : before, b.is === 'defaulted' ? b.item! : after);
      return;
    }
    if (a.is !== b.is) {
      this.add(path, BOTH, `the field was ${nameOf(a)} and is ${nameOf(b)}`);
      return;
    }
    this.#members(path, a, b);
  }

  /** Fields in wire order. `isFrame` if nothing follows them in the frame. */
  fields(path: string, before: Fields, after: Fields, isFrame: boolean, trailing: readonly Json[]): void {
    const scope = new Map<string, string>();
    this.#scopes.push(scope);
    const count = Math.min(before.length, after.length);
    for (let index = 0; index < count; index++) scope.set(before[index]!.name, after[index]!.name);
    for (let index = 0; index < count; index++) {
      const [a, b] = [before[index]!, after[index]!];
      const place = path === '' ? b.name : `${path}.${b.name}`;
      if (a.name !== b.name) this.#renamed(place, a.name, b.name, before, after);
      this.type(place, a.type, b.type);
    }
    this.#scopes.pop();
    const [more, fewer] = [after.slice(count), before.slice(count)];
    const [oldTrailing, newTrailing] = trailing;
    if (more.length > 0) this.#tail(path, more, before, isFrame, oldTrailing!, 'new');
    if (fewer.length > 0) this.#tail(path, fewer, after, isFrame, newTrailing!, 'gone');
  }

  /** A name is not on the wire, but a reference to it must not lead elsewhere now. */
  #renamed(place: string, was: string, is: string, before: Fields, after: Fields): void {
    const isTaken =
      before.some(({ name }) => name === is) ||
      after.some(({ name }) => name === was) ||
      this.#scopes.slice(0, -1).some((scope) => [...scope.values()].includes(is));
    if (isTaken) this.#mislead(place, `'${was}' and '${is}' changed places, or one hides another field`);
    else this.add(place, [], `the field was named '${was}'; names are not on the wire`);
  }

  /** Compare with the fields of a header in scope. */
  within(before: Fields, after: Fields, compare: () => void): void {
    this.#scopes.push(
      new Map(before.slice(0, after.length).map(({ name }, index) => [name, after[index]!.name])),
    );
    compare();
    this.#scopes.pop();
  }

  /** Fields at the end that only one version has. */
  #tail(
    path: string,
    tail: Fields,
    shorter: Fields,
    isFrame: boolean,
    trailing: Json,
    what: 'new' | 'gone',
  ): void {
    const names = tail.map(({ name }) => `'${name}'`).join(', ');
    // A field that takes the rest takes these fields too.
    const expanded = this.#expanded(shorter as unknown as Json, what === 'new' ? 0 : 1);
    const isOpen = !/"rest"|"isLast":true|"toEnd":true/.test(JSON.stringify(expanded));
    const isPassedOver = isFrame && isOpen && trailing !== 'reject';
    const mayBeMissing =
      isFrame && isOpen && tail.every(({ type }) => (type as Data | null)?.isLast === true);
    // Messages of the longer version at a reader of the shorter one, and the reverse.
    const [short, long]: Breaks[] = what === 'new' ? ['readers', 'writers'] : ['writers', 'readers'];
    const breaks = [...(isPassedOver ? [] : [short!]), ...(mayBeMissing ? [] : [long!])];
    this.add(
      path,
      breaks,
      `${names} ${tail.length === 1 ? 'is' : 'are'} ${what === 'new' ? 'new' : 'no longer there'}${breaks.length === 0 ? ': bytes after a message are ignored, and may be missing' : ''}`,
    );
  }

  cases(
    path: string,
    before: readonly Data[],
    after: readonly Data[],
    was: Json,
    is: Json,
  ): readonly [Data, Data][] {
    const pairs: [Data, Data][] = [];
    const byTag = new Map(after.map((one) => [caseKey(one), one]));
    for (const one of before) {
      const other = byTag.get(caseKey(one));
      const place = `${path}.${String((other ?? one).name)}`;
      if (other === undefined) {
        this.add(
          place,
          is === 'unknown' ? [] : ['writers'],
          `'${String(one.name)}' with the tag ${caseKey(one)} is no longer there`,
        );
        continue;
      }
      byTag.delete(caseKey(one));
      if (one.name !== other.name) {
        this.add(place, [], `it was named '${String(one.name)}'; names are not on the wire`);
      }
      pairs.push([one, other]);
    }
    for (const one of byTag.values()) {
      this.add(
        `${path}.${String(one.name)}`,
        was === 'unknown' ? [] : ['readers'],
        `'${String(one.name)}' with the tag ${caseKey(one)} is new${was === 'unknown' ? ', and unknown to the old version, which takes it' : ''}`,
      );
    }
    if (was !== is) {
      this.add(
        path,
        is === 'unknown' ? ['readers'] : ['writers'],
        `other tags were ${was === 'unknown' ? 'taken' : 'refused'}, and are ${is === 'unknown' ? 'taken' : 'refused'}`,
      );
    }
    return pairs;
  }

  /** A larger number means that readers of the old version refuse more; a smaller one that readers of the new version do. */
  limit(path: string, what: string, was: unknown, is: unknown): void {
    const [a, b] = [was, is].map((one) => (one === undefined ? undefined : Number(one)));
    if (a === b) return;
    if (a === undefined || b === undefined)
      this.add(path, BOTH, `${what} was ${String(a)} and is ${String(b)}`);
    else this.add(path, [b > a ? 'readers' : 'writers'], `${what} was ${a} and is ${b}`);
  }

  /** Parts that must be equal, except for renamed fields. */
  exact(path: string, what: string, was: Json | undefined, is: Json | undefined): void {
    if (same(this.#translated(was ?? null), is ?? null)) return;
    this.add(path, BOTH, `${what} was ${textOf(was)} and is ${textOf(is)}`);
  }

  #members(path: string, a: Data, b: Data): void {
    switch (a.is) {
      case 'struct':
        this.fields(path, a.fields as unknown as Fields, b.fields as unknown as Fields, false, [
          'reject',
          'reject',
        ]);
        return;
      case 'union':
        this.size(path, 'the tag', a.tag!, b.tag!);
        for (const [one, other] of this.cases(
          path,
          a.cases as never,
          b.cases as never,
          a.otherwise!,
          b.otherwise!,
        )) {
          this.fields(`${path}.${String(other.name)}`, one.fields as never, other.fields as never, false, [
            'reject',
            'reject',
          ]);
        }
        return;
      case 'enumeration':
        this.type(path, a.base!, b.base!);
        this.#names(path, a, b, 'name');
        return;
      case 'flags':
        this.type(path, a.base!, b.base!);
        this.#names(path, a, b, 'bit');
        return;
      case 'constant':
        this.exact(path, 'the constant', a.bytes, b.bytes);
        return;
      case 'lazy':
        this.type(path, a.item!, b.item!);
        this.limit(path, 'the depth', a.maxDepth, b.maxDepth);
        return;
      case 'mapped':
        this.type(path, a.item!, b.item!);
        this.exact(path, 'the mapping', a.by, b.by);
        return;
      case 'bytes':
      case 'utf8':
      case 'text':
      case 'cstring':
      case 'padding':
      case 'array':
      case 'bounded': {
        const { max: was, size: s, count: c, item: i, ...others } = a;
        const { max: is, size: t, count: d, item: j, ...rest } = b;
        this.exact(path, 'the field', others, rest);
        if (s !== undefined || t !== undefined) this.size(path, 'the size', s ?? null, t ?? null);
        if (c !== undefined || d !== undefined) this.size(path, 'the count', c ?? null, d ?? null);
        if (i !== undefined && j !== undefined) this.type(`${path}${a.is === 'array' ? '[]' : ''}`, i, j);
        const [old, now] = [mostOf(s ?? c, was), mostOf(t ?? d, is)];
        this.limit(path, 'the maximum', old, now);
        return;
      }
      case 'optional':
        this.exact(path, 'the condition', [a.when ?? null, a.isLast!], [b.when ?? null, b.isLast!]);
        this.type(path, a.item!, b.item!);
        return;
      default: {
        this.exact(path, 'the field', this.#expanded(a, 0), this.#expanded(b, 1));
      }
    }
  }

  /** The names and the numbers, or bits, that they stand for. */
  #names(path: string, a: Data, b: Data, what: 'name' | 'bit'): void {
    const [old, now] = [a, b].map(
      ({ names }) =>
        new Map(Object.entries(names as Record<string, number>).map(([name, value]) => [value, name])),
    );
    const isClosed = (one: Data): boolean => one.unknown === 'reject';
    const other = Object.entries(a.names as Record<string, number>).find(
      ([name, value]) =>
        Object.hasOwn(b.names as object, name) && (b.names as Record<string, number>)[name] !== value,
    );
    if (other !== undefined) {
      this.#mislead(
        path,
        `the ${what} '${other[0]}' was ${other[1]} and is ${(b.names as Record<string, number>)[other[0]]}`,
      );
    }
    for (const [value, name] of now!) {
      const was = old!.get(value);
      if (was === undefined) {
        this.add(path, isClosed(a) ? ['readers'] : [], `the ${what} '${name}' for ${value} is new`);
      } else if (was !== name) {
        this.add(
          path,
          [],
          `the ${what} for ${value} was '${was}' and is '${name}'; names are not on the wire`,
        );
      }
    }
    for (const [value, name] of old!) {
      if (now!.has(value)) continue;
      this.add(path, isClosed(b) ? ['writers'] : [], `the ${what} '${name}' for ${value} is no longer there`);
    }
    if (a.unknown === b.unknown) return;
    // A writer never sets a bit without a name.
    const breaks: readonly Breaks[] = what === 'bit' ? [] : isClosed(b) ? ['writers'] : ['readers'];
    this.add(
      path,
      breaks,
      `others were ${isClosed(a) ? 'refused' : 'taken'}, and are ${isClosed(b) ? 'refused' : 'taken'}`,
    );
  }

  /** A size, a count or a tag: compared as a field if it stands right before, otherwise it must be equal. */
  size(path: string, what: string, was: Json, is: Json): void {
    const isType = (one: Json): boolean =>
      (typeof one === 'string' && one !== 'rest') ||
      (typeof one === 'object' && one !== null && ('is' in one || 'ref' in one));
    if (isType(was) && isType(is)) this.type(path, was, is);
    else this.exact(path, what, this.#expanded(was, 0), this.#expanded(is, 1));
  }

  /** Replace the names of definitions with the definitions. */
  #expanded(json: Json, which: number, depth = 0): Json {
    if (typeof json !== 'object' || json === null || depth > 50) return json;
    if (Array.isArray(json)) return json.map((one) => this.#expanded(one, which, depth + 1));
    if ('ref' in json) return this.#expanded(this.#resolved(json, which), which, depth + 1);
    return Object.fromEntries(
      Object.entries(json).map(([name, one]) => [name, this.#expanded(one, which, depth + 1)]),
    );
  }

  #resolved(json: Json, which: number): Json {
    if (typeof json !== 'object' || json === null || !('ref' in json)) return json;
    return (which === 0 ? this.#old : this.#new)[json.ref as string]!;
  }

  /** Paths of the old version, with the new names of their first fields. */
  #translated(json: Json, key = ''): Json {
    if (typeof json === 'string' && ['path', 'field', 'of', 'from', 'after', 'to', 'last'].includes(key)) {
      const [first = '', ...others] = json.split('.');
      const scope = this.#scopes.findLast((one) => one.has(first));
      return [scope?.get(first) ?? first, ...others].join('.');
    }
    if (typeof json !== 'object' || json === null) return json;
    if (Array.isArray(json)) return json.map((one) => this.#translated(one, key));
    return Object.fromEntries(Object.entries(json).map(([name, one]) => [name, this.#translated(one, name)]));
  }
}

/** The key of a message, or of a case of a union, on the wire: its tags. */
export function caseKey({ tag, tags }: Data): string {
  return JSON.stringify(tags ?? [tag ?? null]);
}

/** The largest number possible: a prefix may allow less than the maximum. */
function mostOf(size: Json | undefined, max: Json | undefined): number | undefined {
  if (typeof size === 'number') return undefined;
  if (max === undefined) return undefined;
  const width = typeof size === 'string' ? /^u(\d+)/.exec(size) : null;
  return width === null ? Number(max) : Math.min(Number(max), 2 ** Number(width[1]) - 1);
}

function nameOf(one: Json | undefined): string {
  if (typeof one === 'string') return one;
  return String((one as Data | null)?.is ?? 'none');
}

function textOf(one: Json | undefined): string {
  const text = JSON.stringify(one ?? null);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
