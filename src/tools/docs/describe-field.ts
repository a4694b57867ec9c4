import type { AnyNode, Bits, Case, Extent, Group, Names, Shape, Tag } from '../../protocol/fields/kind.ts';
import { code, count, grouped, hexOf, join, names, say, type Text } from './block.ts';
import type { Place } from './sheet.ts';
import { floatType, integerType, textType, varintType } from './types.ts';
import { extentWords, inverseWords, presenceWords, tagText, valueText } from './words.ts';

/** One entry for each shape: a shape that is missing here does not compile. */
type Table = {
  readonly [S in Shape['is']]: (shape: Extract<Shape, { is: S }>, place: Place, node: AnyNode) => void;
};

/** Add the rows and cells of a field to its sheet. */
export function describeField(node: AnyNode, place: Place): void {
  const shape = node.kind.shape(node);
  (DESCRIBE[shape.is] as (shape: Shape, place: Place, node: AnyNode) => void)(shape, place, node);
}

const DESCRIBE: Table = {
  integer(shape, place) {
    const { width, bits, truth, names: named } = shape;
    const type = place.type(integerType(shape));
    place.refuse('short');
    if (width === 7 && bits === undefined) place.refuse('exact');
    if (bits !== undefined) {
      bitFields(shape, bits, place, type);
      return;
    }
    const about: Text[] = [];
    if (truth) {
      about.push(say`0 is false, 1 is true; anything else is refused.`);
      place.refuse('truth');
    }
    if (named !== undefined) about.push(namesWords(named, place));
    if (width === 7) about.push(['Only −(2^53 − 1) to 2^53 − 1; anything else is refused.']);
    place.draw(place.name, 8 * width);
    place.row(width, [count(width, 'byte')], type, about);
  },

  digits({ width, base, range, length, names: named }, place) {
    const kind = base === 10 ? 'decimal' : 'hexadecimal';
    const signed = range.min < 0;
    const sign = signed ? ' The first character may be a minus or a plus.' : '';
    const letters = base === 16 ? ' Letters are written in capitals, and read in either case.' : '';
    place.refuse('short', 'digits');
    const bounds = `${grouped(range.min)} to ${grouped(range.max)}.`;
    const known = named === undefined ? [] : [namesWords(named, place)];
    if (length === undefined) {
      place.draw(place.name, 8 * width);
      const about = [`${count(width, 'character')} of ASCII, with leading zeros: ${bounds}${sign}${letters}`];
      place.row(width, [count(width, 'byte')], [`${kind} digits`], [about, ...known]);
      return;
    }
    if (length.from === 'terminator') place.refuse('terminator');
    place.draw(place.name, undefined);
    const about = `1 to ${width} characters of ASCII: ${bounds}${sign}${letters}`;
    place.row(undefined, extentWords(length, 'byte', place.name), [`${kind} digits`], [[about], ...known]);
  },

  float(shape, place) {
    place.refuse('short');
    place.draw(place.name, 8 * shape.width);
    place.row(shape.width, [count(shape.width, 'byte')], place.type(floatType(shape)), []);
  },

  varint(shape, place) {
    place.refuse('short', 'varint');
    place.draw(place.name, undefined);
    const about = shape.names === undefined ? [] : [namesWords(shape.names, place)];
    place.row(undefined, ['1 to 10 bytes'], place.type(varintType(shape)), about);
  },

  bytes({ length, max, mayBeMissing }, place) {
    const about = mayBeMissing ? [['The bytes after the message in its frame.']] : [];
    sized(length, 'byte', max, place, ['bytes'], about);
  },

  text({ length, max, form }, place) {
    const { encoding = 'utf8', unit = 'bytes', pad } = form ?? {};
    const about: Text[] = [];
    place.refuse(encoding === 'utf8' ? 'utf8' : 'text');
    if (pad !== undefined) {
      about.push(say`Shorter text is padded at its end with ${valueText(pad)}, which a reader removes.`);
    }
    const isWide = encoding === 'utf16le' || encoding === 'utf16be';
    const counted = unit === 'bytes' ? 'byte' : isWide ? 'unit of 2 byte' : 'character';
    sized(length, counted, max, place, place.type(textType(encoding)), about);
  },

  list({ item, count: times, max }, place) {
    prefixRow(times, place, 'count', 'element');
    limits(times, max, place);
    place.draw(`${place.name} (list)`, fixedBits(item, times));
    const { min, max: most } = item.facts.size;
    const one: Text = min === most ? [`${count(min, 'byte')} each`] : ['the elements one after the other'];
    const about = [
      say`${sentence(extentWords(times, 'element', `${place.name} (count)`, place.behind))}.`,
      say`Each element is what ${`${place.name}[]`} says.`,
      ...maximum(times, max, 'element'),
    ];
    if (times.from === 'terminator') {
      place.refuse('terminator');
      about.push(['No element begins with the terminator.']);
    }
    const bits = fixedBits(item, times);
    place.row(bits === undefined ? undefined : bits / 8, one, ['list'], about);
    describeField(item, place.with({ name: `${place.name}[]`, hidden: true, when: [], behind: undefined }));
  },

  group({ members, derived }, place) {
    describeMembers(members, derived, place);
  },

  choice({ tag, cases }, place, node) {
    if (tag.from === 'prefix') {
      describeField(tag.node, place.inside('tag'));
    }
    place.refuse('tag');
    const subject =
      tag.from === 'path'
        ? say`${tag.path}`
        : tag.from === 'parameter'
          ? say`the parameter ${tag.name}`
          : (['the tag'] as Text);
    place.draw(`${place.name} (by its tag)`, undefined);
    const title = place.out.section(node, place.path, (own) => {
      own.sheet.notes.push(say`One of these, as ${subject} says.`);
      for (const one of cases) caseRows(one, subject, own);
    });
    const about = cases.map((one) => say`${caseWords(one, subject)}: ${one.name}.`);
    const others = cases.some(({ tags }) => tags?.length === 0) ? [] : [['Any other tag is refused.']];
    place.row(
      undefined,
      ['the size of its case'],
      ['choice'],
      [...about, ...others, say`The cases are described under “${title}”.`],
    );
  },

  maybe({ item, when }, place) {
    if (when === undefined) {
      place.refuse('truth', 'short');
      place.draw(`${place.name} (there)`, 8);
      place
        .inside('there')
        .row(
          1,
          ['1 byte'],
          ['presence'],
          [say`1 if ${place.name} follows, 0 if it does not; anything else is refused.`],
        );
      describeField(item, place.with({ when: [...place.when, say`${`${place.name}.there`} is 1`] }));
    } else if (when === 'rest') {
      describeField(item, place.with({ when: [...place.when, say`anything is left`] }));
    } else describeField(item, place.with({ when: [...place.when, presenceWords(when)] }));
  },

  fixed({ bytes, to, from, unchecked, agrees }, place) {
    if (agrees !== undefined) {
      place.refuse('only');
      const rule = say`Here ${presenceWords(agrees)}; anything else is refused.`;
      const round = place.name.replace(/(^|\.)[^.]*$/, '$1');
      const index = place.sheet.rows.findLastIndex(({ name }) => name === `${round}${agrees.field}`);
      const row = place.sheet.rows[index];
      if (row === undefined) place.sheet.notes.push(rule);
      else place.sheet.rows[index] = { ...row, about: [...row.about, rule] };
      return;
    }
    if (to !== undefined) {
      const start =
        from === 'structure' ? 'the first byte of its structure' : 'the first byte of the payload';
      place.draw(place.name, undefined);
      const size: Text = [`0 to ${to - 1} bytes, up to the next multiple of ${to} from ${start}`];
      place.row(undefined, size, ['padding'], [['Written as zeros, ignored by readers.']]);
      return;
    }
    const { length } = bytes;
    if (length === 0) return;
    place.draw(unchecked ? place.name : `${place.name} = ${hexOf(bytes).slice(0, 24)}`, 8 * length);
    if (unchecked)
      place.row(length, [count(length, 'byte')], ['padding'], [['Written as zeros, ignored by readers.']]);
    else {
      place.refuse('constant', 'short');
      place.row(
        length,
        [count(length, 'byte')],
        ['constant'],
        [say`Always ${hexOf(bytes)} (hex); anything else is refused.`],
      );
    }
  },

  filling({ length, max }, place) {
    sized(length, 'byte', max, place, ['padding'], [['Written as zeros, ignored by readers.']]);
  },

  inside({ item, length, max, maxDepth, made, name, usual }, place, node) {
    if (length !== undefined) {
      place.refuse('inner');
      prefixRow(length, place, 'size', 'byte');
      limits(length, max ?? Number.POSITIVE_INFINITY, place);
      place.draw(place.name, length.from === 'literal' ? 8 * length.value : undefined);
      const about = [
        ['Its content fills it: bytes that are left are refused.'] as Text,
        ...maximum(length, max, 'byte'),
      ];
      const bytes = length.from === 'literal' ? length.value : undefined;
      place.row(
        bytes,
        extentWords(length, 'byte', `${place.name} (size)`, place.behind),
        ['a field with a size of its own'],
        about,
      );
      describeField(item, place.with({ hidden: true, when: [], behind: undefined }));
      return;
    }
    if (node.kind.later) {
      place.refuse('depth');
      const title = place.out.section(item, place.path, (own) => describeField(item, own));
      place.draw(place.name, undefined);
      const deep = maxDepth === undefined ? '64, or the limit of the message' : grouped(maxDepth);
      place.row(
        undefined,
        ['the size of the structure'],
        ['structure'],
        [say`See “${title}”.`, [`Nested levels: at most ${deep}.`]],
      );
      return;
    }
    if (usual !== undefined) {
      describeField(item, place);
      place.sheet.notes.push(
        say`A sender without a value for ${place.name} writes ${shownValue(usual.value)}.`,
      );
      return;
    }
    describeField(item, place);
    if (made === undefined) return;
    place.refuse('made');
    const what = name ?? 'a value that the program makes from it';
    place.sheet.notes.push(
      say`${place.name} stands for ${[what]}; the declaration does not say how it follows from the bytes.`,
    );
    place.out.gap(
      place.path,
      `a value that functions make (${what})`,
      'the field that holds it is described',
    );
  },

  sum({ base, checksum, append, over: [from, to], after, toEnd, zeroed }, place) {
    const { sums } = place.out.findings;
    sums.set(checksum.name, checksum);
    place.refuse('sum');
    const start =
      from !== undefined
        ? say`from ${from}`
        : after !== undefined
          ? say`from the end of ${after}`
          : place.sheet.message !== undefined
            ? say`from the first byte of the payload`
            : say`from the first byte of its structure`;
    const end = toEnd
      ? say`to the last byte`
      : to === undefined
        ? say`up to the sum itself`
        : say`to the end of ${to}`;
    const more: Text[] = [];
    if (zeroed) more.push(['The sum’s own bytes count as zeros.']);
    if (append !== undefined)
      more.push(say`After these bytes, the bytes ${hexOf(append)} (hex) are summed too; they are not sent.`);
    describeField(base, place);
    const last = place.sheet.rows.pop()!;
    const about = say`The checksum ${checksum.name} of the bytes ${start} ${end}. Any other value is refused.`;
    place.sheet.rows.push({
      ...last,
      type: [...last.type, ', checksum'],
      about: [...last.about, about, ...more],
    });
  },

  agreed({ base, on, path, adjusted, over, after }, place) {
    describeField(base, place);
    const last = place.sheet.rows.pop();
    if (last === undefined) return;
    const by = adjusted === undefined ? '' : inverseWords(adjusted);
    const [from, to] = over ?? [];
    const start =
      from !== undefined
        ? say`from ${from}`
        : after !== undefined
          ? say`from the end of ${after}`
          : say`from the first`;
    const range = say`${start} ${to === undefined ? ['to the last one of its structure'] : say`to the end of ${to}`}`;
    const what =
      on === 'value'
        ? say`The same as ${path ?? ''}`
        : on === 'count'
          ? say`The number of elements of ${path ?? ''}${[by]}`
          : path === undefined
            ? say`The number of bytes ${range}${[by]}`
            : say`The number of bytes of ${path}${[by]}`;
    place.refuse('agreed');
    place.sheet.rows.push({ ...last, about: [...last.about, say`${what}; another number is refused.`] });
  },

  opaque({ name }, place, node) {
    const { min, max } = node.facts.size;
    const size =
      min === max
        ? count(min, 'byte')
        : max === Number.POSITIVE_INFINITY
          ? `${grouped(min)} bytes or more`
          : `${grouped(min)} to ${count(max, 'byte')}`;
    place.draw(`${place.name} (${name})`, min === max ? 8 * min : undefined);
    place.row(
      min === max ? min : undefined,
      [size],
      [code(name)],
      [
        [
          'A program reads and writes this field. What its bytes mean is not part of the declaration: see the protocol’s own text.',
        ],
      ],
    );
    place.out.gap(place.path, `a custom field (${name})`, 'its bytes are not explained');
  },
};

/** The members of a structure, from one index up to another. */
export function describeMembers(
  members: Group['entries'],
  derived: ReadonlySet<string>,
  place: Place,
  from = 0,
  to: number = members.length,
): void {
  for (const [index, [name, node]] of members.entries()) {
    if (index < from || index >= to) continue;
    const next = members.slice(index + 1).find(([, { facts }]) => facts.size.max > 0);
    const behind = node.facts.traits.takesRest && next !== undefined ? next[0] : place.behind;
    const before = place.sheet.rows.length;
    describeField(node, place.inside(name, { behind }));
    const row = place.sheet.rows[before];
    if (!derived.has(name) || row === undefined) continue;
    const uses = members.filter(([, other]) =>
      other.facts.references.some(({ path, use }) => path === name && (use === 'size' || use === 'tag')),
    );
    if (uses.length === 0) continue;
    const users = names(uses.map(([user]) => user));
    place.sheet.rows[before] = { ...row, about: [...row.about, say`A sender takes it from ${users}.`] };
  }
}

/** The rows of one case of a choice. */
function caseRows(one: Case, subject: Text, place: Place): void {
  const own = place.with({ name: one.name, hidden: true, when: [] });
  const before = own.sheet.rows.length;
  describeMembers(one.group.entries, one.group.derived, own);
  const when = say`If ${caseWords(one, subject)}.`;
  const first = own.sheet.rows[before];
  if (first === undefined) own.row(0, ['0 bytes'], ['nothing'], [when]);
  else own.sheet.rows[before] = { ...first, about: [when, ...first.about] };
}

/** The condition for a case: `kind` is 1 (0x01). */
function caseWords({ tag, tags }: Case, subject: Text): Text {
  if (tags?.length === 0) return say`${subject} is any other`;
  return say`${subject} is ${join(
    (tags ?? [tag]).map((each: Tag): Text => [code(tagText(each))]),
    ' or ',
  )}`;
}

/** Bytes or text of some length, and the prefix that gives the length. */
function sized(
  length: Extent,
  unit: string,
  max: number,
  place: Place,
  type: Text,
  about: readonly Text[],
): void {
  prefixRow(length, place, 'length', unit);
  limits(length, max, place);
  const fixed = length.from === 'literal' && unit === 'byte' ? length.value : undefined;
  place.draw(place.name, fixed === undefined ? undefined : 8 * fixed);
  const size = extentWords(length, unit, `${place.name} (length)`, place.behind);
  place.row(fixed, size, type, [...about, ...maximum(length, max, unit)]);
}

/** The row of the number that stands right before what it measures. */
function prefixRow(extent: Extent, place: Place, what: string, unit: string): void {
  if (extent.from !== 'prefix') return;
  const { sheet } = place;
  const before = sheet.rows.length;
  describeField(extent.node, place.with({ name: `${place.name} (${what})` }));
  const row = sheet.rows[before];
  if (row === undefined) return;
  const { adjusted } = extent;
  const by = adjusted === undefined ? '' : inverseWords(adjusted);
  const words = say`The number of ${[unit === 'byte' ? 'bytes' : `${unit}s`]} of ${place.name}${[by]}.`;
  sheet.rows[before] = { ...row, about: [...row.about, words] };
}

/** Note the error cases of a size or a count. */
function limits(extent: Extent, max: number, place: Place): void {
  if (extent.from === 'terminator') place.refuse('terminator');
  else if (extent.from !== 'rest' && extent.from !== 'last') place.refuse('short');
  const range = extent.from === 'prefix' ? extent.node.kind.range?.(extent.node) : undefined;
  const { add, unit: times } = extent.adjusted ?? { add: 0, unit: 1 };
  if (extent.from === 'literal') return;
  if ((range?.max ?? Number.POSITIVE_INFINITY) * times + add > max && Number.isFinite(max))
    place.refuse('tooLong');
  if (range === undefined ? extent.from === 'path' && add < 0 : range.min * times + add < 0)
    place.refuse('size');
}

/** The most that a field may hold, if its size or count could be larger. */
function maximum(extent: Extent, max: number | undefined, unit: string): Text[] {
  if (max === undefined || extent.from === 'literal') return [];
  const range = extent.from === 'prefix' ? extent.node.kind.range?.(extent.node) : undefined;
  const { add, unit: times } = extent.adjusted ?? { add: 0, unit: 1 };
  if (range !== undefined && range.max * times + add <= max) return [];
  return [[`At most ${count(max, unit)}; more is refused.`]];
}

/** Numbers that share an integer; in wire order if they can be drawn. */
function bitFields(
  { width, order, otherBits }: Extract<Shape, { is: 'integer' }>,
  bits: readonly Bits[],
  place: Place,
  type: Text,
): void {
  const sorted = [...bits].sort((a, b) => b.shift - a.shift);
  if (order === 'le' && width > 1) place.draw(place.name, 8 * width);
  else {
    let at = 8 * width;
    for (const { name, shift, width: bitWidth } of sorted) {
      const end = shift + bitWidth;
      if (end < at) place.draw('unused', at - end);
      place.draw(name, bitWidth);
      at = shift;
    }
    if (at > 0) place.draw('unused', at);
  }
  const covered = bits.reduce((sum, one) => sum + one.width, 0);
  const about: Text[] = [['Its bits are numbers of their own; bit 0 is the least significant.']];
  if (covered < 8 * width) {
    about.push(
      otherBits === 'ignored'
        ? ['Other bits are written as 0, and ignored by readers.']
        : ['Other bits are 0; a set one is refused.'],
    );
    if (otherBits !== 'ignored') place.refuse('bits');
  }
  place.row(width, [count(width, 'byte')], type, about);
  for (const one of sorted) {
    const { name, shift, width: bitWidth, constant, signed, truth } = one;
    const range = bitWidth === 1 ? `bit ${shift}` : `bits ${shift + bitWidth - 1} to ${shift}`;
    const rules: Text[] = [];
    if (constant !== undefined) {
      place.refuse('constant');
      rules.push(say`Always ${String(constant)}; anything else is refused.`);
    }
    const kind = truth ? 'false or true' : signed ? 'signed number' : 'number';
    place.inside(name, { hidden: true, when: [] }).row(undefined, [range], [kind], rules);
  }
}

/** The names of an enumeration, in words. */
function namesWords({ byValue, closed }: Names, place: Place): Text {
  if (closed) place.refuse('name');
  const all = [...byValue].map(([value, name]) => say`${[String(value).replace('-', '−')]} is ${name}`);
  return say`${join(all, ', ')}; any other number ${[closed ? 'is refused' : 'is taken as a number']}.`;
}

/** The bits of a list with a fixed number of elements of a fixed size. */
function fixedBits(item: AnyNode, times: Extent): number | undefined {
  const { min, max } = item.facts.size;
  return times.from === 'literal' && min === max ? 8 * min * times.value : undefined;
}

function shownValue(value: unknown): string {
  if (value instanceof Uint8Array) return `${hexOf(value)} (hex)`;
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) ?? String(value);
}

/** Begin with a capital letter. */
function sentence(text: Text): Text {
  const [first, ...others] = text;
  return typeof first === 'string' ? [first.charAt(0).toUpperCase() + first.slice(1), ...others] : text;
}
