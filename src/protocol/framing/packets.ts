import { show } from '../../bytes/show.ts';
import { anything, type Check, checkOptions, integer, natural, oneOf } from '../../options.ts';
import { framingCall } from './call.ts';
import { Candidate, type InnerCursor, MORE, NONE, type PacketKind } from './candidate.ts';
import type { Framing } from './framing.ts';
import type { PacketsLayout } from './layout.ts';
import { type Bytes, Mark, toBytes } from './mark.ts';
import { type Measuring, MeasuringReader, MeasuringWriter } from './measuring-reader.ts';
import { LengthInPacket, type PacketLength } from './packet-length.ts';
import { type Valid, validity } from './validity.ts';

/** One kind of packet. `length` gives its length, or `end` its end. */
export interface PacketKindOptions {
  /** The name, for a list of kinds. Default: its index in the list. */
  name?: string | undefined;
  /** The first bytes, or bytes and a mask of the bits that count. Default: any. */
  start?: Bytes | { bytes: Bytes; mask: Bytes } | undefined;
  /** The bytes needed to know the length. Default: the start, and the length field. */
  header?: number | undefined;
  /**
   * The length of the whole packet in bytes: a number, a field, or a function of the header that returns undefined (or anything
   * below the header's own length) if no packet begins there.
   */
  length?: number | PacketLength | ((header: Buffer) => number | undefined) | undefined;
  /** The bytes that end it, at their first occurrence after the start. */
  end?: Bytes | undefined;
  /** How many bytes after `end` belong to the packet. Default 0. */
  trailer?: number | undefined;
  /** The most bytes of a whole packet. Default: the maximum of `packets`. */
  maxFrameLength?: number | undefined;
  /** What makes it valid: its checksum, or a function. Default: every packet is valid. */
  valid?: Valid | undefined;
}

export interface PacketsOptions {
  /** The kinds of packets on the line, by name or as a list. They are tried in that order. */
  kinds: Readonly<Record<string, PacketKindOptions>> | readonly PacketKindOptions[];
  /**
   * What to do with bytes that do not begin a valid packet: skip and report them, or end the stream with an error. Default
   * `'discard'`.
   */
  onNoise?: 'discard' | 'error' | undefined;
  /** The most bytes of a whole packet of any kind. Default 65,536. */
  maxFrameLength?: number | undefined;
}

/**
 * Packets on a noisy line: they begin with marks, and carry their length and a checksum.
 *
 *     …noise│ B5 62 │ class id │ length │ payload │ sum │noise…│ $ … CR LF │…      UBX and NMEA on one line
 *
 * Bytes that do not begin a valid packet are skipped one at a time, so a false start costs one byte and never a packet inside it.
 * A run of them is reported once, with their number. A frame is the whole packet, mark and checksum included; the writer checks
 * the length of a payload, and writes the payload unchanged.
 *
 * A byte is examined by at most as many packets as may begin in the `maxFrameLength` bytes before it: noise full of marks costs
 * that factor, and no noise costs more. Set `maxFrameLength` of each kind no higher than its protocol does.
 *
 * @throws TypeError or RangeError for options that are invalid or contradict each other.
 *
 * @example
 * packets({
 *   kinds: {
 *     nmea: { start: '$', end: '\r\n', maxFrameLength: 82 },
 *     rtcm: {
 *       start: [0xd3],
 *       length: { offset: 1, width: 2, byteOrder: 'big', mask: 0x3ff, add: 6 },
 *       valid: (packet) => crc24q(packet) === 0,
 *     },
 *   },
 * });
 */
export function packets(options: PacketsOptions): Framing {
  checkOptions('packets', options, {
    kinds: anything,
    onNoise: oneOf('discard', 'error'),
    maxFrameLength: integer(1),
  });
  const kinds = kindsOf(options);
  const measuring: Measuring = {
    kinds,
    skipsNoise: (options.onNoise ?? 'discard') === 'discard',
    maxFrameLength: Math.max(...kinds.map(({ maximum }) => maximum)),
  };
  const writer = new MeasuringWriter(measuring);
  const finder = new Candidate(kinds);
  return {
    name: 'packets',
    maxFrameLength: measuring.maxFrameLength,
    layout: layoutOf(measuring),
    call: framingCall('packets', options),
    kindOf(bytes, start, end) {
      finder.reset();
      // A kind that needs more bytes than the frame has does not match.
      let length = finder.judge(bytes, start, end);
      for (; length === MORE; length = finder.judge(bytes, start, end)) finder.passOver();
      return length === end - start ? kinds[finder.kind]!.name : undefined;
    },
    reader: (readerOptions) => new MeasuringReader(measuring, readerOptions),
    writer: () => writer,
  };
}

function layoutOf({ kinds, skipsNoise, maxFrameLength }: Measuring): PacketsLayout {
  return {
    kind: 'packets',
    kinds: kinds.map(({ name, mark, header, length, maximum, validity }) => ({
      name,
      ...(mark && { start: { bytes: [...mark.bytes], ...(mark.mask && { mask: [...mark.mask] }) } }),
      header,
      length: length!,
      maximum,
      ...(validity && { valid: validity.layout }),
    })),
    skipsNoise,
    maximum: maxFrameLength,
  };
}

const KIND_OPTIONS: Readonly<Record<keyof PacketKindOptions, Check>> = {
  name: anything,
  start: anything,
  header: integer(1),
  length: anything,
  end: anything,
  trailer: natural,
  maxFrameLength: integer(1),
  valid: anything,
};

/** The kinds of these options, checked. */
export function kindsOf({ kinds, maxFrameLength = 65_536 }: PacketsOptions): PacketKind[] {
  if (typeof kinds !== 'object' || kinds === null) {
    throw new TypeError(`packets: kinds must be an object or an array of kinds, got ${show(kinds)}`);
  }
  const entries = Array.isArray(kinds)
    ? (kinds as PacketKindOptions[]).map((kind, index) => [kind?.name ?? String(index), kind] as const)
    : Object.entries(kinds as Record<string, PacketKindOptions>);
  if (entries.length === 0) throw new TypeError('packets: kinds is empty: give at least one');
  return entries.map(([name, kind]) => kindOf(name, kind, maxFrameLength));
}

function kindOf(name: string, options: PacketKindOptions, most: number): PacketKind {
  const where = `packets: ${name}`;
  checkOptions(where, options, KIND_OPTIONS);
  const { length, end, maxFrameLength: maximum = most } = options;
  const mark = markOf(where, options.start);
  const least = Math.max(1, mark?.length ?? 0);
  const common = { name, mark, maximum, validity: validity(`${where}: valid`, options.valid) };
  if ((length === undefined) === (end === undefined)) {
    throw new TypeError(`${where}: a kind has a length or an end: give one of them`);
  }
  if (end !== undefined) {
    if (options.header !== undefined) throw new TypeError(`${where}: header is for a length`);
    const bytes = toBytes(`${where}: end`, end);
    const { trailer = 0 } = options;
    const length = { by: 'end', end: [...bytes], trailer } as const;
    return { ...common, header: least, length, measure: endMeasure(bytes, trailer, least, maximum) };
  }
  if (options.trailer !== undefined)
    throw new TypeError(`${where}: trailer is for an end; a length counts it`);
  if (typeof length === 'function') {
    const header = options.header ?? least;
    return {
      ...common,
      header: Math.max(header, least),
      length: { by: 'function' },
      measure: functionMeasure(length, header),
    };
  }
  if (typeof length === 'number') {
    integer(least, maximum)(`${where}: length`, length);
    return {
      ...common,
      header: options.header ?? least,
      length: { by: 'number', length },
      measure: () => length,
    };
  }
  const field = new LengthInPacket(`${where}: length`, length as PacketLength);
  const header = Math.max(options.header ?? 0, field.end, least);
  return {
    ...common,
    header,
    length: { by: 'field', field: field.data, add: field.add },
    measure(bytes, start, _, cursor) {
      const length = field.read(bytes, start);
      if (length >= header && length <= Number.MAX_SAFE_INTEGER) return length;
      cursor.problem = field.problem(bytes, start);
      return NONE;
    },
  };
}

function markOf(where: string, start: PacketKindOptions['start']): Mark | undefined {
  if (start === undefined) return undefined;
  if (typeof start !== 'object' || start === null || Array.isArray(start) || start instanceof Uint8Array) {
    return new Mark(toBytes(`${where}: start`, start));
  }
  const { bytes, mask } = start as { bytes: Bytes; mask: Bytes };
  const mark = new Mark(toBytes(`${where}: start`, bytes), toBytes(`${where}: mask`, mask));
  if (mark.mask!.length !== mark.length) {
    throw new RangeError(`${where}: start has ${mark.length} bytes, and its mask ${mark.mask!.length}`);
  }
  return mark;
}

type Measure = PacketKind['measure'];

function functionMeasure(length: (header: Buffer) => number | undefined, header: number): Measure {
  return (bytes, start) => {
    const answer: unknown = length(bytes.subarray(start, start + header));
    return Number.isSafeInteger(answer) && (answer as number) >= header ? (answer as number) : NONE;
  };
}

/** Looks for the end after the start, at most as far as the longest packet reaches. */
function endMeasure(end: Buffer, trailer: number, least: number, maximum: number): Measure {
  return (bytes, start, stop, cursor: InnerCursor) => {
    const from = Math.max(cursor.at, least);
    const reach = Math.min(stop, start + maximum);
    const found = bytes.subarray(start + from, reach).indexOf(end);
    if (found >= 0) return from + found + end.length + trailer;
    cursor.at = Math.max(least, reach - start - end.length + 1);
    cursor.needs = cursor.at + end.length + trailer;
    return MORE;
  };
}
