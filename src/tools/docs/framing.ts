import type { Framing } from '../../protocol/framing/framing.ts';
import type { FramingLayout, LengthFieldData, ValidLayout } from '../../protocol/framing/layout.ts';
import type { Gap } from '../gap.ts';
import {
  type Block,
  type Cell,
  code,
  count,
  grouped,
  hexOf,
  names,
  paragraph,
  say,
  type Text,
} from './block.ts';

/** The words for one kind of framing. */
interface FramingWords {
  readonly cells: readonly Cell[];
  readonly sentences: readonly Text[];
  readonly refused: readonly (readonly [about: string, error: string])[];
  /** What functions do, which the page cannot say. */
  readonly gaps: readonly (readonly [what: string, instead: string])[];
}

type Table = {
  readonly [K in FramingLayout['kind']]: (layout: Extract<FramingLayout, { kind: K }>) => FramingWords;
};

/** How frames are cut from the stream: a picture, a sentence for every option, and what is refused. */
export function framingBlocks(framing: Framing, where: string, gaps: Gap[]): Block[] {
  const { layout } = framing;
  if (layout === undefined) {
    const what = `a framing of its own (${framing.name})`;
    gaps.push({ where, what, instead: 'the page says only that there are frames' });
    return [paragraph(say`The frames are cut by ${framing.name}, which the declaration does not describe.`)];
  }
  const words = (WORDS[layout.kind] as (layout: FramingLayout) => FramingWords)(layout);
  for (const [what, instead] of words.gaps) gaps.push({ where, what, instead });
  const { cells, sentences, refused } = words;
  const takesRest = layout.kind === 'delimiter' && layout.unterminated !== 'error';
  return [
    ...(cells.length > 0 ? [{ is: 'packet', cells } as const] : []),
    { is: 'list', items: [...sentences, ['The stream may end between two frames, and before the first.']] },
    paragraph(['An implementation has to refuse, and close the connection:']),
    {
      is: 'table',
      head: ['what', 'wirepipe’s error'],
      rows: [...refused, ...(takesRest ? [] : [TRUNCATED])].map(([about, error]): Text[] => [
        [about],
        [code(error)],
      ]),
    },
  ];
}

const TRUNCATED = [
  'the end of the stream inside a frame: anywhere after its first byte and before its last',
  'ERR_FRAME_TRUNCATED',
] as const;

const NOTHING = { refused: [], gaps: [] } as const;

const WORDS: Table = {
  lengthPrefix({ field, adjustment, countsItself, strips, maximum }) {
    const header = field.offset > 0 ? [{ label: 'header', bits: 8 * field.offset }] : [];
    const own = { label: 'length', bits: field.width === 0 ? undefined : bitsOf(field) };
    const behind = countsItself ? ', less the bytes of the field itself' : '';
    const counted =
      adjustment === 0
        ? `It says how many bytes follow the field${behind}.`
        : `The value, ${adjustment < 0 ? 'minus' : 'plus'} ${grouped(Math.abs(adjustment))}${behind}, is the number of bytes that follow the field.`;
    return {
      cells: [
        ...header,
        own,
        {
          label:
            strips === 'header' || strips === field.offset + field.width
              ? 'payload'
              : 'the rest of the frame',
          bits: undefined,
        },
      ],
      sentences: [
        ...fieldSentences(field, 'the frame'),
        [counted],
        say`At most ${maximum} bytes follow the field. A reader judges the length from the header alone, before it waits for, holds or allocates anything.`,
        [
          'A length of 0 is a frame with nothing after the field; “What is refused” says whether its payload is a message.',
        ],
        stripWords(strips, field),
        ...(field.offset > 0 && strips !== 0
          ? [
              [
                'Header bytes before the field that are not part of the payload are written as zeros, and ignored by readers.',
              ],
            ]
          : []),
      ],
      refused: [
        [`a length of more than ${count(maximum, 'byte')} after the field`, 'ERR_FRAME_TOO_LONG'],
        ...(adjustment < 0 || field.form !== 'binary'
          ? [['a length that is negative, or that cannot be read', 'ERR_FRAME_LENGTH'] as const]
          : []),
      ],
      gaps: [],
    };
  },

  delimiter({
    delimiters,
    stripsDelimiter,
    start,
    stripsStart,
    trailer,
    maximum,
    skipsNoise,
    unterminated,
    valid,
  }) {
    const ends = names(
      delimiters.map((one) => hexOf(one)),
      'or',
    );
    const validity = validWords(valid);
    return {
      cells: [
        ...(start === undefined ? [] : [{ label: `start = ${hexOf(start)}`, bits: 8 * start.length }]),
        { label: 'content', bits: undefined },
        {
          label: delimiters.length === 1 ? `delimiter = ${hexOf(delimiters[0]!)}` : 'delimiter',
          bits: delimiters.length === 1 ? 8 * delimiters[0]!.length : undefined,
        },
        ...(trailer > 0 ? [{ label: 'trailer', bits: 8 * trailer }] : []),
      ],
      sentences: [
        say`A frame ends with ${ends} (hex). The earliest in the stream counts; at the same place, the longest.`,
        ...(start === undefined ? [] : [say`A frame begins with ${hexOf(start)} (hex).`]),
        ...(trailer > 0 ? [[`${count(trailer, 'byte')} after the delimiter belong to the frame.`]] : []),
        [
          `The payload is the frame ${stripsDelimiter ? 'without' : 'with'} its delimiter${start === undefined ? '' : ` and ${stripsStart ? 'without' : 'with'} its start`}.`,
        ],
        [`At most ${count(maximum, 'byte')} precede the delimiter.`],
        ['A sender must not send a payload that contains a delimiter.'],
        ...noiseWords(skipsNoise),
        ...(unterminated === 'error'
          ? []
          : [
              [
                unterminated === 'emit'
                  ? 'Bytes left at the end of the stream are a last frame.'
                  : 'Bytes left at the end of the stream are dropped.',
              ],
            ]),
        ...validity.sentences,
      ],
      refused: [
        [`more than ${count(maximum, 'byte')} without a delimiter`, 'ERR_FRAME_TOO_LONG'],
        ...validity.refused,
      ],
      gaps: validity.gaps,
    };
  },

  stuffed({
    delimiter,
    start,
    opensWith,
    escape: escapeByte,
    escapes,
    xor,
    ignored,
    forbidden,
    cancel,
    emptyFrames,
    length,
    maximum,
    valid,
  }) {
    const validity = validWords(valid);
    return {
      cells: [
        { label: 'content, escaped', bits: undefined },
        { label: `end = ${hexOf([delimiter])}`, bits: 8 },
      ],
      sentences: [
        length === undefined
          ? say`The byte ${hexOf([delimiter])} (hex) ends a frame.`
          : say`The byte ${hexOf([delimiter])} (hex) begins a frame, which contains its own length.`,
        ...(start === undefined
          ? []
          : [say`The byte ${hexOf([start])} opens a frame; bytes before it are noise.`]),
        ...(opensWith === undefined
          ? []
          : [say`A sender puts the byte ${hexOf([opensWith])} before each frame.`]),
        ...escapes.map(
          ([byte, to]) =>
            say`The byte ${hexOf([byte])} in the content is sent as ${hexOf([escapeByte, to])}.`,
        ),
        ...(xor === undefined
          ? []
          : [say`Any byte may be sent as ${hexOf([escapeByte])} and the byte XORed with ${hexOf([xor])}.`]),
        ...(ignored.length === 0 ? [] : [say`A reader skips ${hexOf(ignored)} everywhere.`]),
        ...(cancel === undefined ? [] : [say`The bytes ${hexOf([escapeByte, cancel])} cancel a frame.`]),
        ...(length === undefined
          ? []
          : [
              say`${fieldWords(length.field, 'the payload')}; the payload has that many bytes${[length.add === 0 ? '' : `, ${length.add < 0 ? 'less' : 'more'} ${Math.abs(length.add)}`]}.`,
            ]),
        [
          emptyFrames
            ? 'Nothing between two ends is an empty frame.'
            : 'Nothing between two ends is not a frame.',
        ],
        [`A payload has at most ${count(maximum, 'byte')}, counted without escapes.`],
        ...validity.sentences,
      ],
      refused: [
        [`a payload of more than ${count(maximum, 'byte')}`, 'ERR_FRAME_TOO_LONG'],
        ['an escape before a byte that it cannot escape', 'ERR_FRAME_STUFFING'],
        ...(forbidden.length === 0
          ? []
          : [[`the bytes ${hexOf(forbidden)} (hex), unescaped`, 'ERR_FRAME_STUFFING'] as const]),
        ...validity.refused,
      ],
      gaps: validity.gaps,
    };
  },

  cobs({ maximum, valid }) {
    const validity = validWords(valid);
    return {
      cells: [
        { label: 'blocks', bits: undefined },
        { label: 'end = 00', bits: 8 },
      ],
      sentences: [
        [
          'Consistent overhead byte stuffing (Cheshire and Baker): an imaginary zero is added to the end of the payload, which is then cut at its zeros.',
        ],
        say`Each block is a byte n of ${'01'} to ${'ff'} (hex) and n − 1 bytes of the payload without a zero; a zero of the payload follows them, unless n is ${'ff'}. The last zero is the imaginary one.`,
        say`The byte ${'00'} ends the frame, and appears nowhere else.`,
        [`A payload has at most ${count(maximum, 'byte')}.`],
        ...validity.sentences,
      ],
      refused: [
        [`a payload of more than ${count(maximum, 'byte')}`, 'ERR_FRAME_TOO_LONG'],
        ['a block that extends beyond the end of its frame', 'ERR_FRAME_STUFFING'],
        ...validity.refused,
      ],
      gaps: validity.gaps,
    };
  },

  fixedLength: ({ length }) => ({
    ...NOTHING,
    cells: [{ label: 'payload', bits: 8 * length }],
    sentences: [
      [`Every frame has ${count(length, 'byte')}, one after the other, with nothing between them.`],
    ],
  }),

  measured({ by, maximum, skipsNoise, valid }) {
    const validity = validWords(valid);
    return {
      cells: [],
      sentences: [
        by === 'declaration'
          ? ['Nothing surrounds a message: its own fields say where it ends, and the next one begins there.']
          : ['A function of the program finds the length of a frame in its first bytes.'],
        [`A frame has at most ${count(maximum, 'byte')}.`],
        ...noiseWords(skipsNoise),
        ...validity.sentences,
      ],
      refused: [
        [`a frame of more than ${count(maximum, 'byte')}`, 'ERR_FRAME_TOO_LONG'],
        ...validity.refused,
      ],
      gaps: [
        ...(by === 'function'
          ? [
              [
                'the length of a frame is found by a function',
                'the page does not describe it further',
              ] as const,
            ]
          : []),
        ...validity.gaps,
      ],
    };
  },

  packets({ kinds, skipsNoise, maximum }) {
    const all = kinds.map((kind) => ({ kind, validity: validWords(kind.valid) }));
    return {
      cells: [],
      sentences: [
        [
          'Frames of several kinds follow one another. The first bytes tell the kind; the kinds are tried in this order:',
        ],
        ...all.flatMap(({ kind: { name, start, length, maximum: most, header }, validity }): Text[] => {
          const mask = start?.mask === undefined ? [] : say`, of which the bits ${hexOf(start.mask)} count`;
          const begins =
            start === undefined
              ? say`begins with anything`
              : say`begins with ${hexOf(start.bytes)} (hex)${mask}`;
          const sized =
            length.by === 'number'
              ? say`has ${count(length.length, 'byte').split(' ')[0]!} bytes`
              : length.by === 'field'
                ? say`contains its length: ${fieldWords(length.field, 'the frame')}; that, ${[length.add < 0 ? 'minus' : 'plus']} ${grouped(Math.abs(length.add))}, is the length of the whole frame`
                : length.by === 'end'
                  ? say`ends with ${hexOf(length.end)} (hex)${[length.trailer > 0 ? ` and ${count(length.trailer, 'byte')} after that` : '']}`
                  : say`has a length that a function finds in its first ${grouped(header)} bytes`;
          return [
            say`${name} ${begins}, ${sized}, and has at most ${[count(most, 'byte')]}.`,
            ...validity.sentences,
          ];
        }),
        ['The payload is the whole frame, start and end included.'],
        ...noiseWords(skipsNoise),
      ],
      refused: [
        [
          `a frame of more than ${count(maximum, 'byte')}, or beyond the maximum of its kind`,
          'ERR_FRAME_TOO_LONG',
        ],
        ...(skipsNoise ? [] : [['first bytes that no kind has', 'ERR_FRAME_NOISE'] as const]),
        ...all.flatMap(({ validity }) => validity.refused),
      ],
      gaps: all.flatMap(({ kind, validity }) => [
        ...(kind.length.by === 'function'
          ? [
              [
                `the length of ${kind.name} is found by a function`,
                'the page does not describe it further',
              ] as const,
            ]
          : []),
        ...validity.gaps,
      ]),
    };
  },

  headed({ end, endCount, length, trailer, until, ignored, maximum, maxHeader }) {
    const base = length.by === 'function' ? '' : length.base === 16 ? 'hexadecimal' : 'decimal';
    const sized: Text[] =
      length.by === 'field'
        ? [
            say`The header has fields, each ended by ${length.fieldEnd} and its name by ${length.nameEnd}. The field ${names(length.names, 'or')} (in capitals or not) says in ${[base]} digits how many bytes the body has${[length.add === 0 ? '' : `, plus ${grouped(length.add)}`]}.`,
          ]
        : length.by === 'column'
          ? [
              say`Column ${grouped(length.column)} of the header (the first is 0), between ${length.columnEnd}, says in ${[base]} digits how many bytes the body has${[length.add === 0 ? '' : `, plus ${grouped(length.add)}`]}.`,
            ]
          : [['A function of the program finds the length of the body in the header.']];
    const missing = length.by === 'function' ? undefined : length.otherwise;
    return {
      cells: [
        { label: 'header', bits: undefined },
        { label: `end = ${hexOf(end)}`, bits: 8 * end.length },
        { label: 'body', bits: undefined },
      ],
      sentences: [
        say`The header is text, and ends with ${hexOf(end)} (hex)${[endCount > 1 ? `, when that comes for the ${endCount}th time` : '']}.`,
        ...sized,
        ...(missing === undefined
          ? []
          : [[`If the header has no length, the body has ${count(missing, 'byte')}.`]]),
        ...(until === undefined
          ? []
          : [say`A body whose header has no length ends with ${hexOf(until)} (hex).`]),
        ...(trailer > 0 ? [[`${count(trailer, 'byte')} after the body belong to the frame.`]] : []),
        ...(ignored.length > 0 ? [say`A reader skips ${hexOf(ignored)} before a header.`] : []),
        [`The header has at most ${count(maxHeader, 'byte')}, the frame at most ${count(maximum, 'byte')}.`],
        ['The payload is the whole frame, header included.'],
      ],
      refused: [
        [
          `a header of more than ${count(maxHeader, 'byte')}, or a frame of more than ${count(maximum, 'byte')}`,
          'ERR_FRAME_TOO_LONG',
        ],
        ['a length that is not a number', 'ERR_FRAME_LENGTH'],
      ],
      gaps:
        length.by === 'function'
          ? [['the length of the body is found by a function', 'the page does not describe it further']]
          : [],
    };
  },
};

function bitsOf({ width }: LengthFieldData): number {
  return 8 * width;
}

/** A length field in sentences. */
function fieldSentences(field: LengthFieldData, of: string): Text[] {
  return [say`${fieldWords(field, of)}.`];
}

function fieldWords({ offset, width, form, maxWidth, order, mask }: LengthFieldData, of: string): Text {
  const place =
    offset === 0 ? `at the beginning of ${of}` : `${count(offset, 'byte')} after the beginning of ${of}`;
  const first = order === 'little' ? 'least' : 'most';
  const masked: Text =
    mask === undefined ? [] : say`, of which the bits ${mask.toString(16)} (hex) hold the length`;
  switch (form) {
    case 'binary': {
      const bytes = width === 1 ? '' : `, ${first} significant byte first (${order}-endian)`;
      return say`The length is an unsigned number in ${[count(width, 'byte')]}${[bytes]}${masked}, ${[place]}`;
    }
    case 'varint':
      return [
        `The length is an unsigned varint of at most ${count(maxWidth ?? 10, 'byte')}, ${place}: groups of seven bits, the least significant first, the highest bit of a byte set if another follows (300 is `,
        code('ac 02'),
        ')',
      ];
    case '7/16/64':
      return [
        `The length is in the lower seven bits of a byte ${place}; 126 there means that it is in the next two bytes, 127 that it is in the next eight bytes, most significant byte first`,
      ];
    default:
      return [
        `The length is a number in ${count(width, `${form} digit`)} of ASCII, with leading zeros, ${place}`,
      ];
  }
}

function stripWords(strips: number | 'header', field: LengthFieldData): Text {
  if (strips === 'header' || strips === field.offset + field.width) {
    return ['The payload is the bytes after the field.'];
  }
  if (strips === 0) return ['The payload is the whole frame, header and length included.'];
  return [`The payload is the frame without its first ${count(strips, 'byte')}.`];
}

function noiseWords(skipsNoise: boolean): Text[] {
  return skipsNoise ? [['Bytes outside of frames are noise: a reader skips them and continues.']] : [];
}

function validWords(valid: ValidLayout | undefined): Omit<FramingWords, 'cells'> {
  if (valid === undefined) return { sentences: [], refused: [], gaps: [] };
  if (valid.by === 'function') {
    return {
      sentences: [['A function of the program judges whether a frame is valid.']],
      refused: [],
      gaps: [['a function judges whether a frame is valid', 'the page does not describe it further']],
    };
  }
  const { checksum, bits, order, form, at, from, to } = valid;
  const held =
    form === 'binary'
      ? `a number of ${bits} bits${order === undefined ? '' : `, ${order}-endian`}`
      : `${form} digits`;
  return {
    sentences: [
      say`The checksum ${checksum} is at ${[placeWords(at)]}, as ${[held]}, over the bytes from ${[placeWords(from)]} up to ${[placeWords(to)]}.`,
    ],
    refused: [['a wrong checksum', 'ERR_FRAME_CHECKSUM']],
    gaps: [],
  };
}

function placeWords(at: number): string {
  if (at === 0) return 'the first byte of the frame';
  return at > 0 ? `byte ${at} of the frame (the first is 0)` : `${count(-at, 'byte')} before its end`;
}
