import { generateDecoder } from './decode-source.ts';
import { generateEncoder } from './encode-source.ts';
import type { Declaration } from './read-walk.ts';
import { Source } from './source.ts';

/** What the generated decoder gives for a frame it cannot read: the slow walk then says why. */
export const FAILED: unique symbol = Symbol('failed');

/** The functions made from a declaration. They only do well-formed work; all else is the walks'. */
export interface Compiled {
  /** The message, or `FAILED`. */
  decode(bytes: Buffer, start: number, end: number): unknown;
  /** The offset behind the message, or −1. */
  encode(message: unknown, target: Buffer, at: number): number;
  bound(message: unknown): number;
  /** The generated text. */
  readonly source: string | undefined;
}

/**
 * Make fast functions from a declaration.
 *
 * Undefined where generating code is forbidden (`node --disallow-code-generation-from-strings`, some hosts).
 */
export function compile(declaration: Declaration): Compiled | undefined {
  const source = new Source();
  generateDecoder(source, declaration);
  generateEncoder(source, declaration);
  const text = `'use strict';\nlet position = 0;\n${source}\nreturn { decode, encode, bound };`;
  try {
    const make = new Function('K', 'FAILED', text);
    return { ...make(source.constants, FAILED), source: text };
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
