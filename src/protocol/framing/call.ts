/** The makers of framings. */
export type FramingMaker =
  | 'lengthPrefix'
  | 'delimiter'
  | 'line'
  | 'fixedLength'
  | 'slip'
  | 'cobs'
  | 'stuffed'
  | 'headed'
  | 'packets'
  | 'measured'
  | 'selfDelimiting';

/** The maker call that gives the same framing again: the options that were given, and no others. */
export interface FramingCall {
  readonly maker: FramingMaker;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The call of a maker; a copy, since the caller may change its own options later. */
export function framingCall(maker: FramingMaker, options: object): FramingCall {
  return Object.freeze({ maker, options: copyOf(options) as FramingCall['options'] });
}

/** Lists, plain objects and bytes are copied; functions, and objects with methods (a checksum, a codec), stay as they are. */
function copyOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return Object.freeze(value.map(copyOf));
  if (typeof value !== 'object' || value === null || hasMethods(value)) return value;
  const given = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.freeze(Object.fromEntries(given.map(([name, part]) => [name, copyOf(part)])));
}

function hasMethods(value: object): boolean {
  return ['compute', 'decode'].some((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}
