import type { Codec } from '../../codec.ts';
import type { AnyNode } from '../kind.ts';
import { generateBound } from './bound-source.ts';
import { Code, TooMuchCode } from './code.ts';
import type { Declaration } from './declaration.ts';
import { generateDecoder } from './decode-source.ts';
import { generateEncoder } from './encode-source.ts';
import { TextWriter } from './gathered-texts.ts';
import type { ReadMark } from './read-walk.ts';

/** Returned by the generated decoder for a frame it cannot read; the walk then says why. */
export const FAILED: unique symbol = Symbol('failed');

/** The functions made from a declaration. They handle well-formed input and leave anything else to the walks. */
export interface Compiled {
  /** The message, or `FAILED`. */
  decode(bytes: Buffer, start: number, end: number): unknown;
  /** As `Codec.decodeRun`. */
  readonly decodeRun: NonNullable<Codec<unknown>['decodeRun']>;
  /** The position that the decoder last noted in each list. */
  marks(): ReadonlyMap<AnyNode, ReadMark>;
  /** The offset after the message, or −1. */
  encode(message: unknown, target: Buffer, at: number): number;
  bound(message: unknown): number;
  /** Writes the texts of the messages that `encode` encodes. */
  readonly texts: TextWriter;
  /** The generated code. */
  readonly source: string | undefined;
}

/**
 * Make fast functions from a declaration.
 *
 * Undefined where generating code is forbidden (`node --disallow-code-generation-from-strings`, some hosts), and for a
 * declaration that would be too much of it.
 */
export function compile(declaration: Declaration): Compiled | undefined {
  const code = new Code();
  const texts = new TextWriter();
  try {
    const marked = generateDecoder(code, declaration);
    generateEncoder(code, declaration, texts);
    generateBound(code, declaration);
    const marks = marked.map((_, i) => `let ms${i} = -1, mi${i} = 0, mp${i} = 0, mc${i};`);
    const text = [
      "'use strict';",
      'let position = 0, elements = 0, empty = 0, text = 0, exhausted = -1, active = false, nested = false;',
      ...marks,
      code,
      'return { decode, decodeRun, encode, bound, marks };',
    ].join('\n');
    const make = new Function('K', 'FAILED', text);
    const made = make(code.constants, FAILED);
    return {
      ...made,
      marks: () => marksOf(marked, made.marks()),
      texts,
      source: text,
    };
  } catch (error) {
    if (error instanceof EvalError || error instanceof TooMuchCode) return undefined;
    throw error;
  }
}

/** The marks of the lists in which elements can be skipped. */
function marksOf(marked: readonly AnyNode[], marks: readonly ReadMark[]): ReadonlyMap<AnyNode, ReadMark> {
  const all = marks.map((mark, i): [AnyNode, ReadMark] => [marked[i]!, mark]);
  return new Map(all.filter(([, { index }]) => index > 0));
}
