import { isProtocolError } from '../errors.ts';
import type { Codec } from '../protocol/codec.ts';
import { directionOf, requireLines } from '../protocol/direction.ts';
import type { Declaration } from '../protocol/fields/engine/declaration.ts';
import type { Span } from '../protocol/fields/engine/read-walk.ts';
import { trace } from '../protocol/fields/engine/trace.ts';
import { checkedEvents } from '../protocol/recording/capture-line.ts';
import { DirectionFrames } from '../protocol/recording/direction-frames.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { testVector, type VectorField } from '../protocol/recording/test-vector.ts';
import type { DecodableProtocol } from './decode-capture.ts';

/**
 * The messages of a capture as TypeScript source: an array `VECTORS` of decoded messages, each with its bytes as
 * literals and a comment per field. A frame that cannot be decoded has its error code in place of the message. The
 * bytes are the frame's payload, as a codec takes them.
 *
 * @example
 * writeFileSync('vectors.ts', toTestVectors(events, drone));
 * // { from: 'client', message: { type: 'move', x: 10, y: 20 }, bytes: Buffer.from(['01', // type: 1 …
 */
export function toTestVectors(
  events: Iterable<CaptureEvent>,
  protocol: DecodableProtocol<unknown, unknown>,
): string {
  requireLines('toTestVectors', protocol, 'decode');
  const vectors: string[] = [];
  const directions = new Map<string, DirectionFrames>();
  for (const event of checkedEvents('toTestVectors', events)) {
    if (event.event !== 'data' && event.event !== 'gap') continue;
    const { from, connection } = event;
    const key = `${connection} ${from}`;
    const { framing, messages: codec, preface } = directionOf(protocol, from);
    const direction = directions.get(key) ?? new DirectionFrames(framing, false, preface);
    directions.set(key, direction);
    const results = event.event === 'data' ? direction.data(event.bytes) : direction.gap(event.length);
    for (const result of results) {
      if (result.kind !== 'frame') continue;
      const frame = result.bytes.subarray(result.start, result.end);
      const what = outcomeOf(codec, frame);
      vectors.push(`  {\n    from: '${from}',\n    ${what},\n    bytes: ${vectorOf(codec, frame)},\n  },\n`);
    }
  }
  return `export const VECTORS = [\n${vectors.join('')}];\n`;
}

function outcomeOf(codec: Codec<unknown, never>, frame: Buffer): string {
  try {
    return `message: ${literal(codec.decode(frame))}`;
  } catch (error) {
    if (!isProtocolError(error)) throw error;
    return `error: '${error.code}'`;
  }
}

function vectorOf(codec: Codec<unknown, never>, frame: Buffer): string {
  return testVector(frame.toString('hex'), fieldsOf(codec, frame), '    ');
}

/** The fields that contain no other fields; none if the codec is not declared field by field. */
function fieldsOf(codec: Codec<unknown, never>, frame: Buffer): VectorField[] {
  const { declaration } = codec as { readonly declaration?: Declaration };
  if (declaration === undefined) return [];
  const { spans } = trace({ declaration, decode: () => undefined }, frame);
  return spans
    .filter((span, index) => !isAround(span, spans[index + 1]))
    .map(({ path, start, end, value }) => [path === '' ? 'type' : path, start, end, literal(value)]);
}

function isAround({ path, start, end }: Span, next: Span | undefined): boolean {
  if (next === undefined || next.start < start || next.end > end) return false;
  return path === ''
    ? next.path !== ''
    : next.path.startsWith(`${path}.`) || next.path.startsWith(`${path}[`);
}

/**
 * A value as a TypeScript literal. Characters beyond ASCII are escaped, so none can end a line or change its direction.
 */
function literal(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return `${value}n`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'string':
      return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
    case 'object': {
      if (value === null) return 'null';
      if (value instanceof Uint8Array) return `Buffer.from('${Buffer.from(value).toString('hex')}', 'hex')`;
      if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
      const members = Object.entries(value).map(([name, one]) => `${nameOf(name)}: ${literal(one)}`);
      return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
    }
    default:
      return String(value);
  }
}

function nameOf(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name) && name !== '__proto__') return name;
  // Computed: as a plain key, `__proto__` would set the prototype.
  return `[${literal(name)}]`;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
