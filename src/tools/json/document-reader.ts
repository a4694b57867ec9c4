import { show } from '../../bytes/show.ts';
import type { AnyField } from '../../protocol/fields/field.ts';
import { at, DocumentError, inside, unexpected } from './document-error.ts';
import { objectAt, type Reader, type Role, readMembers } from './part.ts';
import { SCALARS, TYPES } from './types.ts';
import { MAX_DEPTH } from './writer.ts';

/** The most fields in a document. A named definition counts each time it is used, since each use adds to the codec. */
const MAX_FIELDS = 100_000;

/** Reads fields, and resolves the names in a document. */
export class DocumentReader implements Reader {
  readonly standsIn: boolean;
  /** The functions that are named and not given, with the places that name each. */
  readonly missing: Map<string, string[]> = new Map();
  readonly codecs: Map<string, unknown> = new Map();
  readonly #functions: Readonly<Record<string, unknown>>;
  readonly #definitions: Readonly<Record<string, unknown>>;
  readonly #made = new Map<string, { readonly field: AnyField; readonly weight: number }>();
  readonly #open = new Set<string>();
  readonly #later = new Map<string, string>();
  #depth = 0;
  #weight = 0;

  constructor(
    functions: Readonly<Record<string, unknown>>,
    definitions: Readonly<Record<string, unknown>>,
    standsIn: boolean,
  ) {
    this.#functions = functions;
    this.#definitions = definitions;
    this.standsIn = standsIn;
  }

  type(json: unknown, path: string): AnyField {
    this.#weight++;
    if (this.#weight > MAX_FIELDS) {
      throw new DocumentError(
        path,
        `more than ${MAX_FIELDS} fields, those of named ones counted at each use`,
      );
    }
    if (typeof json === 'string') {
      const scalar = SCALARS.get(json);
      if (scalar !== undefined) return scalar;
      throw unexpected(path, 'the name of a field such as u16be, or an object', json);
    }
    const object = objectAt(json, path);
    if (Object.hasOwn(object, 'ref')) return this.#definition(refOf(object, path), path);
    if (this.#depth >= MAX_DEPTH) {
      throw new DocumentError(path, `fields nest deeper than ${MAX_DEPTH} levels`);
    }
    const { is, ...members } = object;
    if (typeof is !== 'string' || !Object.hasOwn(TYPES, is)) {
      throw unexpected(inside(path, 'is'), `one of ${Object.keys(TYPES).join(', ')}`, is);
    }
    const { parts, make } = TYPES[is as keyof typeof TYPES];
    this.#depth++;
    try {
      const values = readMembers(parts, members, this, path);
      return at(path, () => make(values as never, this.standsIn));
    } finally {
      this.#depth--;
    }
  }

  laterType(json: unknown, path: string): () => AnyField {
    if (typeof json === 'object' && json !== null && Object.hasOwn(json, 'ref')) {
      const name = refOf(objectAt(json, path), path);
      this.#require(name, path);
      if (!this.#later.has(name)) this.#later.set(name, path);
      return () => this.#made.get(name)!.field;
    }
    const field = this.type(json, path);
    return () => field;
  }

  finishTypes(): void {
    // A Map also iterates over entries that are added meanwhile.
    for (const [name, path] of this.#later) {
      this.#definition(name, path);
      this.#later.delete(name);
    }
  }

  /** The first definition that nothing uses. */
  get unused(): string | undefined {
    return Object.keys(this.#definitions).find((name) => !this.#made.has(name));
  }

  reference(name: string, role: Role, path: string): unknown {
    if (Object.hasOwn(this.#functions, name)) {
      const given = this.#functions[name];
      if (role.isOne(given)) return given;
      throw new DocumentError(path, `functions: '${name}': expected ${role.expected}, got ${show(given)}`);
    }
    const places = this.missing.get(name);
    if (places === undefined) this.missing.set(name, [path]);
    else places.push(path);
    return role.standIn(name);
  }

  codec(name: string, path: string): unknown {
    const codec = this.codecs.get(name);
    if (codec !== undefined) return codec;
    throw unexpected(path, [...this.codecs.keys()].join(' or '), name);
  }

  #require(name: string, path: string): void {
    if (Object.hasOwn(this.#definitions, name)) return;
    throw new DocumentError(inside(path, 'ref'), `there is no definition '${name}'`);
  }

  #definition(name: string, path: string): AnyField {
    this.#require(name, path);
    const known = this.#made.get(name);
    if (known !== undefined) {
      this.#weight += known.weight;
      return known.field;
    }
    const own = inside('definitions', name);
    if (this.#open.has(name)) {
      throw new DocumentError(inside(path, 'ref'), `'${name}' holds itself; only inside lazy may it`);
    }
    const before = this.#weight;
    this.#open.add(name);
    const field = this.type(this.#definitions[name], own);
    this.#open.delete(name);
    this.#made.set(name, { field, weight: this.#weight - before });
    return field;
  }
}

function refOf(object: Readonly<Record<string, unknown>>, path: string): string {
  const { ref, ...others } = object;
  const other = Object.keys(others)[0];
  if (other !== undefined) throw new DocumentError(inside(path, other), 'unknown; expected ref alone');
  if (typeof ref !== 'string') throw unexpected(inside(path, 'ref'), 'the name of a definition', ref);
  return ref;
}
