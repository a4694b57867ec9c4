import { show } from '../../../bytes/show.ts';
import type { FrameError, MessageError } from '../../../errors.ts';
import type { Declaration } from './declaration.ts';
import { areBounds, boundsError, ReadWalk, type Span } from './read-walk.ts';

/** A frame, field by field: every field that could be read, outer before inner, and the value or the error. */
export interface Trace<Out> {
  readonly spans: readonly Span[];
  readonly value: Out | undefined;
  readonly error: MessageError | FrameError | undefined;
}

/**
 * Read a frame slowly, field by field. No bytes make it throw: if they are wrong, `error` says why.
 *
 * @example
 * for (const span of trace(drone.clientMessages, frame).spans) {
 *   console.log(span.start, span.end, span.path, span.value);
 * }
 */
export function trace<Out>(
  codec: { readonly declaration: Declaration; decode(bytes: Buffer): Out },
  bytes: Uint8Array,
  start = 0,
  end: number = bytes?.length,
): Trace<Out> {
  if (typeof codec?.declaration?.root?.kind !== 'object') {
    throw new TypeError(`trace: expected a codec that messages() or codecOf() made, got ${show(codec)}`);
  }
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`trace: expected bytes, got ${show(bytes)}`);
  const spans: Span[] = [];
  if (!areBounds(bytes, start, end)) {
    return { spans, value: undefined, error: boundsError(bytes, start, end) };
  }
  const walk = new ReadWalk(codec.declaration, bytes, start, end, spans);
  try {
    return { spans, value: walk.message() as Out, error: undefined };
  } catch (error) {
    // Spans that were begun and not completed are gaps.
    return { spans: spans.filter((span) => span !== undefined), value: undefined, error: walk.error(error) };
  }
}
