import { show } from '../../bytes/show.ts';

/** The id that a request and its reply share: a number, or a text that the caller chose. */
export type Id = number | bigint | string;

/** The paths in a message that lead to a number or a text: `'id'`, `'header.correlation'`. Up to four names deep. */
export type IdPath<Message> = unknown extends Message
  ? string
  : [Paths<Message, []>] extends [never]
    ? string
    : Paths<Message, []>;

type Paths<M, Depth extends unknown[]> = M extends object
  ? {
      [K in keyof M & string]:
        | (NonNullable<M[K]> extends Id ? (K extends 'type' ? never : K) : never)
        | (Depth['length'] extends 3
            ? never
            : NonNullable<M[K]> extends Leaf
              ? never
              : `${K}.${Paths<NonNullable<M[K]>, [...Depth, unknown]>}`);
    }[keyof M & string]
  : never;

/** Values that no path leads into. */
type Leaf = Id | boolean | Uint8Array | readonly unknown[] | ((...args: never[]) => unknown);

/** A message whose id, at `Path`, may be left out. */
export type Numberless<M, Path> = [Path] extends [never]
  ? M
  : string extends Path
    ? M
    : M extends unknown
      ? LeftOut<M, Path>
      : never;

type LeftOut<M, Path> = Path extends `${infer K}.${infer Rest}`
  ? K extends keyof M
    ? Omit<M, K> &
        (Record<never, never> extends LeftOut<M[K], Rest>
          ? { readonly [P in K]?: LeftOut<M[K], Rest> }
          : { readonly [P in K]: LeftOut<M[K], Rest> })
    : M
  : Path extends keyof M
    ? Omit<M, Path> & { readonly [P in Path]?: M[P] }
    : M;

/** The place of the id in a message. */
export interface IdPlace {
  readonly path: string;
  /** The id; undefined if the message has none there. */
  read(message: object): Id | undefined;
  /** A copy of the message, with that id. */
  write(message: object, id: Id): object;
}

/** @throws TypeError for a text that is not a path */
export function idPlace(path: unknown, where: string): IdPlace {
  if (typeof path !== 'string' || path.split('.').includes('')) {
    throw new TypeError(`${where}: expected a path such as 'id' or 'header.id', got ${show(path)}`);
  }
  const names = path.split('.');
  if (names.includes('__proto__')) throw new TypeError(`${where}: '__proto__' is the name of no field`);
  if (names.length === 1) {
    return {
      path,
      read: (message) => asId((message as Record<string, unknown>)[path]),
      write: (message, id) => ({ ...message, [path]: id }),
    };
  }
  return {
    path,
    read(message) {
      let value: unknown = message;
      for (const name of names) {
        if (typeof value !== 'object' || value === null) return undefined;
        value = (value as Record<string, unknown>)[name];
      }
      return asId(value);
    },
    write: (message, id) => writeAt(message, names, 0, id),
  };
}

function writeAt(value: unknown, names: readonly string[], index: number, id: Id): object {
  const name = names[index]!;
  const inside = (value as Record<string, unknown> | undefined)?.[name];
  return {
    ...(value as object | undefined),
    [name]: index === names.length - 1 ? id : writeAt(inside, names, index + 1, id),
  };
}

/** A bigint that a number can hold counts as that number: one side may use 64 bits and the other 32. */
function asId(value: unknown): Id | undefined {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value !== 'bigint') return undefined;
  return value >= -MAX && value <= MAX ? Number(value) : value;
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
