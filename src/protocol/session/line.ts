import { show } from '../../bytes/show.ts';
import { checkOptions } from '../../options.ts';
import type { Codec } from '../codec.ts';
import type { MessageSource, StateFraming } from './declaration.ts';

/** How the messages of a state are encoded and framed, as far as the state declares it. */
export interface Line {
  readonly reads: StateFraming | undefined;
  readonly writes: StateFraming | undefined;
  readonly receives: AnyCodec | undefined;
  readonly sends: AnyCodec | undefined;
}

/** The line of a state that uses everything from the protocol. */
export const NO_LINE: Line = { reads: undefined, writes: undefined, receives: undefined, sends: undefined };

/** The parts of a state's declaration for its line: values, or functions of the context. */
export interface LineSource {
  readonly framing: unknown;
  readonly receives: unknown;
  readonly sends: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: the messages of a state are its own
type AnyCodec = MessageSource<Codec<any, any>>;

/**
 * Check the parts that a state declares; undefined if it declares none of them. Results of functions are checked when the
 * functions are called.
 *
 * @throws TypeError naming the part
 */
export function compileLine(where: string, { framing, receives, sends }: LineSource): LineSource | undefined {
  if (framing === undefined && receives === undefined && sends === undefined) return undefined;
  if (framing !== undefined && typeof framing !== 'function') framings(`${where}.framing`, framing);
  for (const [name, codec] of Object.entries({ receives, sends })) {
    if (codec !== undefined && typeof codec !== 'function') isCodec(`${where}.${name}`, codec);
  }
  return { framing, receives, sends };
}

/** The types of message that a codec names; undefined for a codec that names none, or a function that makes one. */
export function typesOf(codec: unknown): readonly string[] | undefined {
  return (codec as { readonly types?: readonly string[] }).types;
}

/** The line of a state, for a connection. Throws what its functions throw, or a TypeError for their results. */
export function lineFor({ framing, receives, sends }: LineSource, context: unknown, state: string): Line {
  const made = (part: unknown): unknown =>
    typeof part === 'function' ? (part as (context: unknown) => unknown)(context) : part;
  const codec = (name: string, part: unknown): AnyCodec | undefined => {
    const value = made(part);
    if (value !== undefined) isCodec(`${name} of state '${state}'`, value);
    return value as AnyCodec | undefined;
  };
  const value = made(framing);
  return {
    ...(value === undefined ? NO_LINE : framings(`framing of state '${state}'`, value)),
    receives: codec('receives', receives),
    sends: codec('sends', sends),
  };
}

/** Whether both states read received bytes in the same way: known only if no function makes their lines. */
export function readsAlike(a: LineSource | undefined, b: LineSource | undefined): boolean {
  const reads = (line: LineSource | undefined): unknown =>
    line?.framing === undefined || typeof line.framing === 'function'
      ? line?.framing
      : framings('framing', line.framing).reads;
  return (
    reads(a) === reads(b) &&
    a?.receives === b?.receives &&
    typeof reads(a) !== 'function' &&
    typeof a?.receives !== 'function'
  );
}

function framings(where: string, value: unknown): Pick<Line, 'reads' | 'writes'> {
  if (isFraming(value)) return { reads: value, writes: undefined };
  if (typeof value !== 'object' || value === null) throw new TypeError(notFraming(where, value));
  const direction = (name: string, part: unknown): void => {
    if (!isFraming(part)) throw new TypeError(notFraming(name, part));
  };
  checkOptions(where, value, { reads: direction, writes: direction });
  const { reads, writes } = value as Partial<Line>;
  return { reads, writes };
}

function isFraming(value: unknown): value is StateFraming {
  const { reader, writer } = (value ?? {}) as Partial<StateFraming>;
  return typeof reader === 'function' && typeof writer === 'function';
}

function notFraming(where: string, value: unknown): string {
  return `${where}: expected a framing, such as lengthPrefix(), got ${show(value)}`;
}

function isCodec(where: string, value: unknown): void {
  const { decode, encode } = (value ?? {}) as Partial<AnyCodec>;
  if (typeof decode === 'function' && typeof encode === 'function') return;
  throw new TypeError(`${where}: expected a codec, an object with decode and encode, got ${show(value)}`);
}
