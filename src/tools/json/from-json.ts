import { show } from '../../bytes/show.ts';
import { anObject, checkOptions, oneOf } from '../../options.ts';
import { defineProtocol, type Protocol } from '../../protocol/protocol.ts';
import { type AnyCodec, codec, serverCodec } from './codec.ts';
import { at, DocumentError, unexpected } from './document-error.ts';
import { DocumentReader } from './document-reader.ts';
import { framing } from './framing.ts';
import { type AnyPart, maybe, objectAt, type Part, readMembers, record, text } from './part.ts';
import { RULES } from './rules.ts';
import { readSession } from './session.ts';
import { FORMAT, PREFACE, type ProtocolJson, VERSION } from './to-json.ts';

export interface FromJsonOptions {
  /** The values of the function names in the document: see `functionsOf`. */
  readonly functions?: Readonly<Record<string, unknown>> | undefined;
  /**
   * What happens to a name that is not among the functions: an error (`'refuse'`, the default), or a stand-in (`'stand in'`), for
   * tools that read a declaration without running user code. The stand-in for a mapping keeps the mapped value, for a check of
   * frames accepts all, for a checksum gives 0; any other throws when it is called.
   */
  readonly missing?: 'refuse' | 'stand in' | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: what a document declares has no types
type AnyProtocol = Protocol<any, any, string, any, any, any, any>;

/**
 * The protocol in a document. Its codecs give the same bytes and the same errors; its framing and session behave the same. No
 * code from the document is run.
 *
 * @param json the result of `toJSON`, or `JSON.parse` of it
 * @returns as `defineProtocol`; without a session if the document has none
 * @throws DocumentError, a TypeError with the place in the document: for missing and unknown members, for values that a maker
 * refuses, and for names that are not among `functions`
 *
 * @example
 * const protocol = fromJSON(JSON.parse(readFileSync('drone.json', 'utf8')), { functions: functionsOf(drone) });
 */
export function fromJSON(json: ProtocolJson | unknown, options: FromJsonOptions = {}): AnyProtocol {
  checkOptions('fromJSON', options, { functions: anObject, missing: oneOf('refuse', 'stand in') });
  const { functions = {}, missing = 'refuse' } = options;
  const document = objectAt(json, '');
  if (document.format !== FORMAT) throw unexpected('format', `'${FORMAT}'`, document.format);
  if (document.version !== VERSION) {
    throw unexpected('version', `${VERSION}, the one version there is`, document.version);
  }
  const { format: _format, version: _version, ...rest } = document;
  const definitions = objectAt(rest.definitions ?? {}, 'definitions');
  const from = new DocumentReader(functions, definitions, missing === 'stand in');
  const codecAt = (name: string, part: Part<AnyCodec>): AnyCodec => {
    if (!Object.hasOwn(rest, name)) throw new DocumentError(name, 'missing');
    const made = part.read(rest[name], from, name);
    from.codecs.set(name, made);
    return made;
  };
  const clientMessages = codecAt('clientMessages', codec);
  const serverMessages = codecAt('serverMessages', serverCodec);
  const both = { clientMessages, serverMessages };
  const parts: Record<string, AnyPart> = {
    name: text,
    framing,
    preface: maybe(record(PREFACE)),
    definitions: known,
    ...{ clientMessages: known, serverMessages: known },
    session: maybe({ ...known, read: (one, _, path) => readSession(one, both, from, path) }),
    replies: maybe(record(RULES)),
  };
  const { name, framing: line, preface, session, replies } = readMembers(parts, rest, from, '');
  from.finishTypes();
  const { unused } = from;
  if (unused !== undefined) throw new DocumentError(`definitions.${unused}`, 'nothing uses it');
  if (missing === 'refuse') refuseMissing(from.missing);
  const made = {
    ...{ name, framing: line },
    ...(preface !== undefined && { preface: defined(preface) }),
    ...both,
    ...(session !== undefined && { session }),
    ...(replies !== undefined && { replies: defined(replies) }),
  };
  // Without a session the result is only its parts.
  if (session === undefined) return Object.freeze(made) as never;
  return at('', () => defineProtocol(made as never)) as AnyProtocol;
}

/** A member that is read separately. */
const known: Part<unknown> = { schema: {}, toJson: () => null, read: () => undefined };

function defined(values: unknown): object {
  return Object.fromEntries(Object.entries(values as object).filter(([, one]) => one !== undefined));
}

function refuseMissing(missing: ReadonlyMap<string, readonly string[]>): void {
  const [first] = missing;
  if (first === undefined) return;
  const [name, [path]] = first;
  const others = [...missing.keys()].slice(1, 8).map((one) => show(one));
  const more = missing.size > 8 ? ` and ${missing.size - 8} more` : '';
  throw new DocumentError(
    path!,
    `there is no ${show(name)} in functions${others.length > 0 ? `, nor ${others.join(', ')}${more}` : ''}`,
  );
}
