import type { FramingLayout, LengthFieldData, ValidLayout } from '../../protocol/framing/layout.ts';
import type { Gap } from '../gap.ts';
import { luaNumber, luaString, luaTable } from './lua.ts';
import type { FieldNames } from './names.ts';
import type { SumsUsed } from './sums-used.ts';

/** The context in which the cutters of one side are created. */
export interface CutterContext {
  readonly side: 'client' | 'server';
  /** True if both sides have this framing. */
  readonly isShared: boolean;
  readonly fields: FieldNames;
  readonly sums: SumsUsed;
  readonly gaps: Gap[];
}

/** One entry for each layout: a kind of framing that is missing here does not compile. */
type Table = {
  readonly [K in FramingLayout['kind']]: (
    layout: Extract<FramingLayout, { kind: K }>,
    context: CutterContext,
  ) => string;
};

/** Lua for the function that cuts frames of that layout. */
export function cutterOf(layout: FramingLayout | undefined, context: CutterContext): string {
  if (layout === undefined) {
    cannot(context, 'the framing is code of the program', 'the bytes of the stream are shown, not cut');
    return 'uncut()';
  }
  return (CUTTERS[layout.kind] as (layout: FramingLayout, context: CutterContext) => string)(layout, context);
}

/** The delimiters after which the next message may begin, for a capture that starts in the middle of a stream. */
export function delimitersOf(layout: FramingLayout | undefined): string | undefined {
  switch (layout?.kind) {
    case 'delimiter':
      return bytesList(layout.delimiters);
    case 'cobs':
    case 'stuffed':
      return bytesList([[layout.delimiter]]);
    case 'headed':
      return bytesList([layout.end]);
    default:
      return undefined;
  }
}

const CUTTERS: Table = {
  lengthPrefix: ({ field, adjustment, countsItself, strips, maximum }) =>
    call('length_prefix', {
      field: lengthField(field),
      adjustment: luaNumber(adjustment),
      counts_itself: countsItself ? 'true' : undefined,
      strips: strips === 'header' ? undefined : String(strips),
      maximum: luaNumber(maximum),
    }),

  fixedLength: ({ length }) => call('fixed_length', { length: luaNumber(length) }),

  delimiter(layout, context) {
    const { delimiters, stripsDelimiter, start, stripsStart, trailer, maximum, skipsNoise, unterminated } =
      layout;
    if (unterminated === 'emit') {
      cannot(context, 'the bytes after the last delimiter are a frame', 'it is shown as an incomplete frame');
    }
    return call('delimited', {
      delimiters: bytesList(delimiters),
      longest: String(Math.max(...delimiters.map(({ length }) => length))),
      strips: stripsDelimiter ? 'true' : undefined,
      start: start && bytesOf(start),
      strips_start: stripsStart || start === undefined ? 'true' : undefined,
      trailer: String(trailer),
      maximum: luaNumber(maximum),
      skips_noise: skipsNoise ? 'true' : undefined,
      valid: valid(layout.valid, context),
    });
  },

  cobs: (layout, context) =>
    call('cobs', { maximum: luaNumber(layout.maximum), valid: valid(layout.valid, context) }),

  stuffed(layout, context) {
    const {
      delimiter,
      start,
      escape: mark,
      escapes,
      xor,
      ignored,
      forbidden,
      cancel,
      emptyFrames,
      length,
      maximum,
    } = layout;
    const codes =
      xor === undefined
        ? escapes.map(([byte, code]) => [code, byte] as const)
        : Array.from({ length: 256 }, (_, code) => [code, code ^ xor] as const);
    const common = {
      delimiter: bytesOf([delimiter]),
      escape: String(mark),
      unescaped: `{ ${codes.map(([code, byte]) => `[${code}] = ${byte}`).join(', ')} }`,
      ignored: byteSet(ignored),
      forbidden: byteSet(forbidden),
      maximum: luaNumber(maximum),
      valid: valid(layout.valid, context),
    };
    if (length !== undefined) {
      const { field, add } = length;
      return call('stuffed_length', {
        ...common,
        field: lengthField(field),
        add: luaNumber(add),
        needs: String(field.offset + field.width),
      });
    }
    return call('stuffed', {
      ...common,
      start: start === undefined ? undefined : bytesOf([start]),
      cancel: cancel === undefined ? undefined : bytesOf([cancel]),
      empty_frames: emptyFrames ? 'true' : undefined,
    });
  },

  packets({ kinds, skipsNoise }, context) {
    const made = kinds.flatMap((kind) => {
      const { name, start, header, length, maximum } = kind;
      if (length.by === 'function') {
        cannot(
          context,
          `the length of the packets '${name}' is found by a function`,
          'they are shown as noise',
        );
        return [];
      }
      const common = {
        name: luaString(name),
        start: start && bytesOf(start.bytes),
        mask: start?.mask && bytesOf(start.mask),
        header: String(header),
        maximum: luaNumber(maximum),
        valid: valid(kind.valid, context, `of the packets '${name}' `),
        by: luaString(length.by),
      };
      if (length.by === 'number') return [luaTable({ ...common, length: luaNumber(length.length) })];
      if (length.by === 'field') {
        return [luaTable({ ...common, field: lengthField(length.field), add: luaNumber(length.add) })];
      }
      return [luaTable({ ...common, ending: bytesOf(length.end), trailer: String(length.trailer) })];
    });
    return call('packets', { kinds: `{ ${made.join(', ')} }`, skips_noise: skipsNoise ? 'true' : undefined });
  },

  headed({ end, endCount, length, trailer, until, ignored, maximum, maxHeader }, context) {
    if (length.by === 'function') {
      cannot(
        context,
        'the length of a body is found by a function of its header',
        'the bytes of the stream are shown, not cut',
      );
      return 'uncut()';
    }
    const isField = length.by === 'field';
    return call('headed', {
      ending: bytesOf(end),
      end_count: String(endCount),
      by: luaString(length.by),
      separator: luaString(isField ? length.fieldEnd : length.columnEnd),
      name_end: isField ? luaString(length.nameEnd) : undefined,
      names: isField
        ? `{ ${length.names.map((name) => `[${luaString(name.toLowerCase())}] = true`).join(', ')} }`
        : undefined,
      column: isField ? undefined : String(length.column),
      base: String(length.base),
      add: luaNumber(length.add),
      otherwise: length.otherwise === undefined ? undefined : luaNumber(length.otherwise),
      trailer: String(trailer),
      finish: until && bytesOf(until),
      ignored: byteSet(ignored),
      maximum: luaNumber(maximum),
      max_header: luaNumber(maxHeader),
    });
  },

  measured({ by, maximum }, context) {
    if (by === 'function') {
      cannot(
        context,
        'the length of a frame is found by a function',
        'the bytes of the stream are shown, not cut',
      );
      return 'uncut()';
    }
    return `self_delimiting({ maximum = ${luaNumber(maximum)} }, function() return ${context.side} end)`;
  },
};

function lengthField({ offset, width, form, maxWidth, order, mask }: LengthFieldData): string {
  const lowest = mask === undefined ? 0 : Math.log2((mask & -mask) >>> 0);
  return luaTable({
    offset: String(offset),
    width: String(width),
    form: luaString(form),
    most: maxWidth === undefined ? undefined : String(maxWidth),
    little: order === 'little' ? 'true' : undefined,
    shift: mask === undefined ? undefined : String(lowest),
    bits: mask === undefined ? undefined : String(Math.log2(mask / 2 ** lowest + 1)),
  });
}

function valid(layout: ValidLayout | undefined, context: CutterContext, of = ''): string | undefined {
  if (layout === undefined) return undefined;
  const sum = layout.by === 'checksum' ? context.sums.of(layout.checksum, layout.crc) : undefined;
  if (layout.by === 'function' || sum === undefined) {
    cannot(context, `a function decides whether a frame ${of}is valid`, 'no frame is judged');
    return undefined;
  }
  const { bits, order, form, at, from, to, checksum } = layout;
  const base = form === 'decimal' ? 10 : 16;
  const width = form === 'binary' ? Math.ceil(bits / 8) : (2 ** bits - 1).toString(base).length;
  return call('valid_by_sum', {
    algorithm: luaString(checksum),
    sum,
    width: String(width),
    little: order === 'little' ? 'true' : undefined,
    form: luaString(form),
    at: String(at),
    from: String(from),
    to: String(to),
  });
}

function cannot({ side, isShared, gaps }: CutterContext, what: string, instead: string): void {
  const where = isShared ? 'framing' : `${side}: framing`;
  if (!gaps.some((one) => one.where === where && one.what === what)) gaps.push({ where, what, instead });
}

function bytesOf(bytes: readonly number[]): string {
  return luaString(Uint8Array.from(bytes));
}

function bytesList(list: readonly (readonly number[])[]): string {
  return `{ ${list.map(bytesOf).join(', ')} }`;
}

function byteSet(bytes: readonly number[]): string {
  return `{ ${bytes.map((byte) => `[${byte}] = true`).join(', ')} }`;
}

function call(name: string, parts: Readonly<Record<string, string | undefined>>): string {
  return `${name}(${luaTable(parts)})`;
}
