import { callback, checkOptions, requireIterable } from '../../options.ts';
import type { DeclaredCodec } from '../../protocol/fields/messages.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import { same } from '../json/framing.ts';
import { fromJSON } from '../json/from-json.ts';
import type { Json } from '../json/part.ts';
import { functionsOf, type ProtocolJson, type ProtocolParts, toJSON } from '../json/to-json.ts';
import { BOTH, type Breaks, type Change, type Shown } from './change.ts';
import { compareSessions } from './compare-sessions.ts';
import { type Data, TypeComparison } from './compare-types.ts';
import { type Compare, type Failure, failureOf } from './failure.ts';
import { withTraces } from './session-traces.ts';
import { differenceByName, SharedValues } from './shared-values.ts';

export interface CompareOptions {
  /**
   * Random messages of a codec, on which both versions are run: `(codec) => fc.sample(arbitraryMessage(codec), 200)`. Without
   * this option nothing is run and no message is shown.
   */
  readonly examples?: ((codec: DeclaredCodec<unknown>) => readonly unknown[]) | undefined;
}

export type { Change };

/** The differences between two versions of a protocol. */
export interface Comparison {
  /** True if nothing breaks. */
  readonly isSafe: boolean;
  readonly changes: readonly Change[];
}

/**
 * Compare two versions of a protocol: each difference, the side it breaks, and a message that shows it. A change that is not
 * known to be safe counts as a break. With `examples`, a change that the declarations show as safe is also run, and breaks if a
 * message fails.
 *
 * @param older a protocol, or its document (`toJSON`): the released version
 * @param newer a protocol, or its document: the new version
 * @throws DocumentError for an invalid document
 *
 * @example
 * const { isSafe, changes } = compareProtocols(released, protocol);
 */
export function compareProtocols(
  older: ProtocolParts | ProtocolJson,
  newer: ProtocolParts | ProtocolJson,
  options: CompareOptions = {},
): Comparison {
  checkOptions('compareProtocols', options, { examples: callback });
  const [old, now] = [versionOf(older), versionOf(newer)];
  const changes = [
    ...framings(old, now),
    ...(['clientMessages', 'serverMessages'] as const).flatMap((side) => codecs(side, old, now, options)),
    ...sessions(old, now),
  ];
  const preface = [old, now].map(({ document }) => document.preface ?? null);
  if (!same(preface[0], preface[1])) {
    changes.unshift({ path: 'preface', breaks: BOTH, reason: 'the bytes before the first frame differ' });
  }
  return { isSafe: changes.every(({ breaks }) => breaks.length === 0), changes };
}

interface Version {
  readonly document: ProtocolJson;
  readonly protocol: ProtocolParts;
}

/** A document is built again, which checks it. The behaviour of its functions is unknown. */
function versionOf(given: ProtocolParts | ProtocolJson): Version {
  if (typeof (given as Partial<ProtocolParts> | null)?.clientMessages?.decode !== 'function') {
    const protocol = fromJSON(given, { missing: 'stand in' }) as ProtocolParts;
    return { document: given as ProtocolJson, protocol };
  }
  const document = JSON.parse(JSON.stringify(toJSON(given as ProtocolParts))) as ProtocolJson;
  return {
    document,
    protocol: fromJSON(document, {
      functions: functionsOf(given as ProtocolParts),
      missing: 'stand in',
    }) as ProtocolParts,
  };
}

function codecs(
  side: 'clientMessages' | 'serverMessages',
  old: Version,
  now: Version,
  { examples }: CompareOptions,
): Change[] {
  const [before, after] = [old, now].map(({ document }) => codecOf(document, side)) as [Data, Data];
  const compare = new TypeComparison(old.document.definitions, now.document.definitions);
  if (before.codec !== after.codec) {
    compare.add(
      side,
      BOTH,
      `the codec was one of kind '${String(before.codec)}' and is one of '${String(after.codec)}'`,
    );
    return compare.changes as Change[];
  }
  if (before.codec === 'function') {
    compare.exact(side, 'the codec', before, after);
    return compare.changes as Change[];
  }
  common(side, before, after, compare);
  const trailing = [before.trailing!, after.trailing!];
  if (before.codec === 'field') {
    const [a, b] = [before.type!, after.type!];
    const areStructs = [a, b].every((one) => (one as Data | null)?.is === 'struct');
    if (areStructs)
      compare.fields(side, (a as Data).fields as never, (b as Data).fields as never, true, trailing);
    else compare.type(side, a, b);
  } else messages(side, before, after, compare);
  return run(side, compare, old, now, examples);
}

function codecOf(document: ProtocolJson, side: 'clientMessages' | 'serverMessages'): Data {
  const own = document[side];
  return (own === 'clientMessages' ? document.clientMessages : own) as Data;
}

function messages(side: string, a: Data, b: Data, compare: TypeComparison): void {
  compare.size(side, 'the tag', a.tag!, b.tag!);
  for (const part of ['header', 'trailer'] as const) {
    compare.fields(`${side}.${part}`, a[part] as never, b[part] as never, false, ['reject', 'reject']);
  }
  const pairs = compare.cases(side, a.messages as never, b.messages as never, a.otherwise!, b.otherwise!);
  const isLast = [a, b].every(({ trailer }) => (trailer as readonly Json[]).length === 0);
  const headers = [a, b].map(({ header }) => header as never as { name: string; type: Json }[]);
  for (const [one, other] of pairs) {
    // References in a message reach into the header, so the header's names are in scope.
    compare.within(headers[0]!, headers[1]!, () =>
      compare.fields(`${side}.${String(other.name)}`, one.fields as never, other.fields as never, isLast, [
        a.trailing!,
        b.trailing!,
      ]),
    );
  }
}

/** Compare the parts of a codec outside its messages. */
function common(side: string, a: Data, b: Data, compare: TypeComparison): void {
  const [old, now] = [a.limits, b.limits] as [Data, Data];
  for (const name of ['elements', 'empty', 'depth', 'text', 'summed']) {
    compare.limit(side, `limits.${name}`, old[name], now[name]);
  }
  compare.exact(side, 'parameters', a.parameters, b.parameters);
  const [was, is] = [a.trailing, b.trailing];
  if (was === is) return;
  const breaks: readonly Breaks[] =
    is === 'keep' && was === 'reject' ? ['readers'] : was === 'keep' && is === 'reject' ? ['writers'] : [];
  compare.add(side, breaks, `bytes behind a message: '${String(was)}' before, '${String(is)}' now`);
}

/** Run both versions on messages of both. A break gets a message that shows it; a message that fails is a break. */
function run(
  side: 'clientMessages' | 'serverMessages',
  compare: TypeComparison,
  old: Version,
  now: Version,
  examples: CompareOptions['examples'],
): Change[] {
  if (examples === undefined) return compare.changes;
  const codecs = [old, now].map(({ protocol }) => protocol[side]) as DeclaredCodec<unknown>[];
  const failures = failuresOf(codecs, examples, sharedValues(side, old, now));
  const misread =
    compare.misled.size > 0 ? failuresOf(codecs, examples, (a, b) => differenceByName(side, a, b)) : failures;
  const changes = compare.changes.map((change): Change => {
    const found = compare.misled.has(change) ? misread : failures;
    const shown = change.breaks
      .map((one) => nearest(change.path, found[one as 'readers']))
      .find((one) => one !== undefined);
    return shown === undefined ? change : { ...change, shown };
  });
  for (const one of ['readers', 'writers'] as const) {
    const [first] = failures[one];
    if (first === undefined || changes.some(({ breaks }) => breaks.includes(one))) continue;
    // The change that the declarations show as safe and the message proves to break, if the message tells which.
    const { path = side, shown } = first;
    const place = path.replaceAll(/\[\d+\]/g, '[]');
    const index = changes.findLastIndex(
      (change) => isInside(place, change.path) && change.breaks.length === 0,
    );
    const reason = 'a message shows it, whatever the declarations say';
    if (index < 0) changes.push({ path, breaks: [one], reason, shown });
    else changes[index] = { path, breaks: [one], reason: `${changes[index]!.reason}; but ${reason}`, shown };
  }
  return changes;
}

function isInside(place: string, path: string): boolean {
  return place === path || place.startsWith(`${path}.`) || place.startsWith(`${path}[`);
}

/** The values that both versions declare, read from the same bytes. */
function sharedValues(side: 'clientMessages' | 'serverMessages', old: Version, now: Version): Compare {
  const shared = new SharedValues(old.document.definitions, now.document.definitions);
  const [before, after] = [old, now].map(({ document }) => codecOf(document, side)) as [Data, Data];
  return before.codec === 'field'
    ? (a, b) => shared.type(side, before.type!, after.type!, a, b)
    : (a, b) => shared.messages(side, before, after, a, b);
}

/** The messages that the other version does not read as they are. */
function failuresOf(
  [old, now]: readonly DeclaredCodec<unknown>[],
  examples: NonNullable<CompareOptions['examples']>,
  compare: Compare,
): Record<'readers' | 'writers', readonly Failure[]> {
  const found = (by: 'old' | 'new', from: typeof old, to: typeof old): readonly Failure[] =>
    examplesOf(examples, from!)
      .map((message) => failureOf(by, message, from!, to!, compare))
      .filter((one) => one !== undefined);
  return { readers: found('new', now, old), writers: found('old', old, now) };
}

function examplesOf(
  examples: NonNullable<CompareOptions['examples']>,
  codec: DeclaredCodec<unknown>,
): readonly unknown[] {
  let given: Iterable<unknown>;
  try {
    given = examples(codec);
  } catch {
    // A codec whose functions are missing has no messages.
    return [];
  }
  requireIterable('compareProtocols: examples()', 'messages', given);
  return [...given];
}

/** A failure of the message that contains the path. */
function nearest(path: string, failures: readonly Failure[]): Shown | undefined {
  const [, name] = path.split('.');
  const typeOf = ({ shown: { message } }: Failure): unknown => (message as { type?: unknown } | null)?.type;
  const one =
    failures.find((failure) => typeOf(failure) === name) ??
    (name === undefined || failures.every((failure) => typeOf(failure) === undefined)
      ? failures[0]
      : undefined);
  return one?.shown;
}

function framings(old: Version, now: Version): Change[] {
  const [before, after] = [old, now].map(({ document }) => document.framing as Data) as [Data, Data];
  if (same(before, after)) return [];
  const pairs: (readonly [string, Data | undefined, Data | undefined, 'reads' | 'writes' | undefined])[] =
    'framing' in before && 'framing' in after
      ? [['framing', before, after, undefined]]
      : (['reads', 'writes'] as const).map(
          (side) => [`framing.${side}`, part(before, side), part(after, side), side] as const,
        );
  return pairs.flatMap(([path, a, b, side]): Change[] => {
    if (same(a ?? null, b ?? null)) return [];
    const [was, is] = [a?.layout, b?.layout] as [Data | undefined, Data | undefined];
    const [x, y] = [old, now].map(({ protocol }) => framingOf(protocol, side));
    if (was === undefined || is === undefined)
      return [{ path, breaks: BOTH, reason: 'the framing is another one' }];
    if (same(was, is)) {
      // A layout with functions or codecs in it cannot be compared.
      const isKnown = !/function|declaration/.test(JSON.stringify(was));
      return [
        isKnown
          ? { path, breaks: [], reason: 'other options; the bytes are the same' }
          : { path, breaks: BOTH, reason: 'what a function does is not known' },
      ];
    }
    const { maximum: most, ...others } = was;
    const { maximum, ...rest } = is;
    if (same(others, rest)) {
      const breaks: Breaks = Number(maximum) > Number(most) ? 'readers' : 'writers';
      return [
        {
          path,
          breaks: [breaks],
          reason: `the longest frame was ${String(most)} bytes and is ${String(maximum)}`,
        },
      ];
    }
    return [{ path, breaks: BOTH, reason: 'frames are cut in another way', shown: framingFailure(x!, y!) }];
  });
}

function part(framing: Data, side: 'reads' | 'writes'): Data | undefined {
  return ('framing' in framing ? framing : framing[side]) as Data | undefined;
}

function framingOf({ framing }: ProtocolParts, side: 'reads' | 'writes' | undefined): Framing {
  if ('reader' in framing) return framing;
  return framing[side ?? 'reads'];
}

/** A payload that one version frames and the other version does not find in the stream. */
function framingFailure(old: Framing, now: Framing): Shown | undefined {
  for (const [by, writer, reader] of [
    ['new', now, old],
    ['old', old, now],
  ] as const) {
    for (let length = 0; length < 12; length++) {
      try {
        const payload = Buffer.alloc(length, 'wire');
        const target = Buffer.alloc(writer.writer().bound(length) + 64);
        const end = writer.writer().write(target, 0, payload, 0, length);
        const wire = target.subarray(0, end);
        const read = reader.reader();
        read.push(wire);
        const frame = read.next();
        if (
          frame !== undefined &&
          Buffer.compare(frame, payload) === 0 &&
          read.next() === undefined &&
          read.buffered === 0
        )
          continue;
        read.end();
        const outcome =
          frame === undefined
            ? (read.error?.message ?? 'no frame comes of it')
            : `the frame ${frame.toString('hex')}`;
        return { by, message: payload.toString('hex'), bytes: wire.toString('hex'), outcome };
      } catch {
        // A payload that cannot be framed shows nothing.
      }
    }
  }
  return undefined;
}

function sessions(old: Version, now: Version): Change[] {
  const [before, after] = [old, now].map(({ document }) => document.session);
  if (before !== undefined && after !== undefined) {
    const [table, other] = [old, now].map(({ protocol }) => protocol.session!.table);
    return withTraces(compareSessions(before as Data, after as Data), table!, other!);
  }
  if (before === after) return [];
  return [
    {
      path: 'session',
      breaks: ['sessions'],
      reason: `the session is ${after === undefined ? 'no longer there' : 'new'}`,
    },
  ];
}
