import type {
  Adjustment,
  Decoding,
  Encoding,
  Extent,
  Givens,
  Range,
  Reading,
  Reference,
  Size,
  Slots,
  Source,
  Tag,
  Use,
  Writing,
} from '../kind.ts';

/**
 * A number computed from another source: `raw × unit + add`, or nothing if `raw` is `nullAt`.
 *
 *     raw     −1   0   1   2         size(i16be, { add: 2, unit: 4, nullAt: -1 })
 *     size  null   2   6  10
 */
export class AdjustedSource implements Source {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly mayTakeRest: boolean = false;
  readonly nullable: boolean;
  readonly size: Size;
  readonly range: Range;
  readonly #inner: Source;
  readonly #by: Adjustment;

  constructor(inner: Source, by: Adjustment) {
    this.#inner = inner;
    this.#by = by;
    this.extent = { ...inner.extent, adjusted: by };
    this.nullable = by.nullAt !== undefined;
    this.size = inner.size;
    this.range = this.#made(inner.range);
  }

  references(use: Use, tags?: readonly Tag[]): readonly Reference[] {
    const { nullAt } = this.#by;
    return this.#inner.references(use, tags).map((one) => ({ ...one, nullAt }));
  }

  read(walk: Reading): unknown {
    return this.#of(this.#inner.read(walk));
  }

  decode(out: Decoding): string {
    const { add, unit, nullAt } = this.#by;
    const raw = this.#inner.decode(out);
    const isSame = unit === 1 && add === 0;
    if (nullAt === undefined) return isSame ? raw : out.define(`${raw} * ${unit} + ${add}`);
    // −1 stands for nothing here, so a raw −1 needs no translation.
    if (isSame && nullAt === -1) return raw;
    const size = out.define(`${raw} === ${nullAt} ? -1 : ${raw} * ${unit} + ${add}`);
    out.fail(`${size} < 0 && ${raw} !== ${nullAt}`);
    return size;
  }

  given(walk: Writing): unknown {
    return this.#of(this.#inner.given!(walk));
  }

  givenCode(out: Givens): string | undefined {
    const { add, unit } = this.#by;
    const raw = this.#inner.givenCode?.(out);
    return raw && `${raw} * ${unit} + ${add}`;
  }

  span(place: Slots): Range {
    return this.#made(this.#inner.span(place));
  }

  refusal(value: number): string | undefined {
    const { add, unit, nullAt } = this.#by;
    const raw = this.#back(value);
    if (!Number.isInteger(raw))
      return add === 0 ? `a multiple of ${unit}` : `${add} more than a multiple of ${unit}`;
    if (raw === nullAt) return `anything but ${value}, which stands for null`;
    return this.#inner.refusal?.(raw);
  }

  refuse(value: string, out: Encoding): void {
    const { add, unit, nullAt } = this.#by;
    if (unit > 1) out.refuse(`(${value} - ${add}) % ${unit} !== 0`);
    if (nullAt !== undefined) out.refuse(`${value} === ${nullAt * unit + add}`);
    this.#inner.refuse?.(unit === 1 && add === 0 ? value : `(${value} - ${add}) / ${unit}`, out);
  }

  write(value: unknown, walk: Writing): void {
    this.#inner.write(this.#back(value as number), walk);
  }
  encode(value: string, out: Encoding): void {
    this.#inner.encode(this.#backCode(value, out), out);
  }
  writeNull(walk: Writing): void {
    this.#inner.write(this.#by.nullAt, walk);
  }
  encodeNull(out: Encoding): void {
    this.#inner.encode(String(this.#by.nullAt), out);
  }
  reserve(walk: Writing): (value: number) => void {
    const say = this.#inner.reserve(walk);
    return (value) => say(this.#back(value));
  }
  reserveCode(out: Encoding): (value: string) => void {
    const say = this.#inner.reserveCode(out);
    return (value) => say(this.#backCode(value, out));
  }

  #of(raw: unknown): unknown {
    const { add, unit, nullAt } = this.#by;
    if (raw === nullAt && nullAt !== undefined) return null;
    if (typeof raw !== 'bigint' && !Number.isInteger(raw)) return raw;
    const size = Number(raw) * unit + add;
    // One that a number does not hold exactly is too long, and is only shown.
    return Number.isSafeInteger(size) ? size : BigInt(raw as number | bigint) * BigInt(unit) + BigInt(add);
  }

  #made({ min, max }: Range): Range {
    const { add, unit } = this.#by;
    return { min: min * unit + add, max: max * unit + add };
  }

  #back(value: number): number {
    return (value - this.#by.add) / this.#by.unit;
  }

  #backCode(value: string, out: Encoding): string {
    const { add, unit } = this.#by;
    if (unit === 1) return add === 0 ? value : out.define(`${value} - ${add}`);
    return out.define(`(${value} - ${add}) / ${unit}`);
  }
}
