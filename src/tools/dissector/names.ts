import { luaString } from './lua.ts';

/** Filter names that the dissector itself uses. */
const OWN = [
  'from',
  'type',
  'packet',
  'frame.length',
  'error.code',
  'error.path',
  'error.offset',
  'malformed',
  'checksum',
  'truncated',
  'joined',
  'unexpressed',
];

/** A name in Wireshark's style for filters: lower case, `keepAlive` as `keep_alive`. */
export function filterName(name: string): string {
  const plain = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_');
  return plain === '' || plain === '_' ? 'field' : plain;
}

/** A field's type for Wireshark: the maker of `ProtoField`, and the arguments after the names. */
export interface FieldType {
  readonly maker: string;
  readonly more?: string | undefined;
}

/** The fields of the dissector. Each filter name has one type. */
export class FieldNames {
  readonly #byFilter = new Map<string, { readonly index: number; readonly definition: string }>();
  readonly #lines: string[] = [];
  readonly #names = new Map<string, string>();

  constructor() {
    for (const name of OWN) this.#byFilter.set(name, { index: 0, definition: '' });
  }

  get count(): number {
    return this.#lines.length;
  }

  /** Lua that creates the fields. */
  get lua(): string {
    const names = [...this.#names].map(([table, name]) => `${name} = ${table}`);
    return [...names, ...this.#lines].join('\n');
  }

  /** A Lua table of value names; equal tables are shared. */
  names(table: string): string {
    const name = this.#names.get(table) ?? `names[${this.#names.size + 1}]`;
    this.#names.set(table, name);
    return name;
  }

  /**
   * The number of the field at a path. If a field of another type has the name, the side goes in front of it; if that is taken
   * too, a number goes after it.
   */
  add(path: readonly string[], label: string, { maker, more }: FieldType, side: string): number {
    const name = path.map(filterName).join('.');
    const definition = `${maker}(… ${luaString(label)}${more === undefined ? '' : `, ${more}`})`;
    for (let attempt = 0; ; attempt++) {
      const filter = attempt === 0 ? name : attempt === 1 ? `${side}.${name}` : `${side}.${name}_${attempt}`;
      const taken = this.#byFilter.get(filter);
      if (taken?.definition === definition) return taken.index;
      if (taken !== undefined) continue;
      const index = this.#lines.length + 1;
      this.#byFilter.set(filter, { index, definition });
      const args = [
        `filter .. ${luaString(filter)}`,
        luaString(label),
        ...(more === undefined ? [] : [more]),
      ];
      this.#lines.push(`field[${index}] = ProtoField.${maker}(${args.join(', ')})`);
      return index;
    }
  }
}
