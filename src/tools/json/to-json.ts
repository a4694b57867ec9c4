import { anObject, checkOptions } from '../../options.ts';
import type { FramingPair, Preface } from '../../protocol/direction.ts';
import { fromClient, fromServer, refusalOf } from '../../protocol/direction.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import { requireParts } from '../require-parts.ts';
import { type AnyCodec, codec, serverCodec } from './codec.ts';
import { framing } from './framing.ts';
import { bytes, type Json, maybe, type Part, writeMembers } from './part.ts';
import { RULES } from './rules.ts';
import { type AnySession, writeSession } from './session.ts';
import { DocumentWriter, Uses } from './writer.ts';

/** The format of a document, and its version. */
export const FORMAT = 'wirepipe-protocol';
export const VERSION = 1;

/** The parts of a protocol that a document holds; the result of `defineProtocol` has them all. */
export interface ProtocolParts {
  readonly name: string;
  readonly framing: Framing | FramingPair;
  readonly preface?: Preface | undefined;
  readonly clientMessages: AnyCodec;
  readonly serverMessages: AnyCodec;
  readonly session?: AnySession | undefined;
  readonly replies?: unknown;
}

/** A protocol as JSON: see `docs/declaration-json.md`, and the schema `protocolSchema`. */
export interface ProtocolJson {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly name: string;
  readonly framing: Json;
  readonly preface?: Json;
  /** Fields that are used more than once, or inside themselves, by name. */
  readonly definitions: { readonly [name: string]: Json };
  readonly clientMessages: Json;
  readonly serverMessages: Json;
  readonly session?: Json;
  readonly replies?: Json;
}

export interface ToJsonOptions {
  /**
   * Names for values that JSON does not hold: handlers, mappings, custom fields. A value without a name is named after the first
   * place where it occurs: `session.locked.write`.
   */
  readonly functions?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A declaration, its framing and its session as one JSON document, for tools and other languages. Functions become names;
 * `functionsOf` gives the functions, and `fromJSON` takes them.
 *
 * @throws TypeError for fields that nest deeper than 200 levels
 *
 * @example
 * writeFileSync('drone.json', JSON.stringify(toJSON(drone)));
 */
export function toJSON(protocol: ProtocolParts, options: ToJsonOptions = {}): ProtocolJson {
  return written('toJSON', protocol, options).document;
}

/**
 * The functions of a document, by the names that `toJSON` gives them.
 *
 * @example const same = fromJSON(toJSON(drone), { functions: functionsOf(drone) });
 */
export function functionsOf(
  protocol: ProtocolParts,
  options: ToJsonOptions = {},
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(written('functionsOf', protocol, options).functions);
}

function written(
  where: string,
  protocol: ProtocolParts,
  options: ToJsonOptions,
): { document: ProtocolJson; functions: ReadonlyMap<string, unknown> } {
  requireParts(where, protocol);
  checkOptions(where, options, { functions: anObject });
  const { functions = {} } = options;
  const uses = new Uses();
  const codecs = new Map<unknown, string>([
    [protocol.serverMessages, 'serverMessages'],
    [protocol.clientMessages, 'clientMessages'],
  ]);
  write(protocol, new DocumentWriter(functions, codecs, uses, true));
  const writer = new DocumentWriter(functions, codecs, uses, false);
  return { document: write(protocol, writer), functions: writer.functions };
}

function write(protocol: ProtocolParts, to: DocumentWriter): ProtocolJson {
  const { name, clientMessages, serverMessages, session, replies } = protocol;
  const preface = {
    client: fromClient(protocol).preface,
    server: fromServer(protocol).preface,
    refusal: refusalOf(protocol),
  };
  const named = <T>(part: Part<T>, value: T, at: string): Json => to.named(at, () => part.toJson(value, to));
  return {
    ...{ format: FORMAT, version: VERSION, name },
    framing: named(framing as Part<unknown>, protocol.framing, 'framing'),
    ...(protocol.preface !== undefined && { preface: writeMembers(PREFACE, preface, to) }),
    definitions: to.definitions,
    clientMessages: named(codec, clientMessages, 'clientMessages'),
    serverMessages: named(serverCodec, serverMessages, 'serverMessages'),
    ...(session !== undefined && { session: writeSession(session.table, protocol, to) }),
    ...(replies !== undefined && {
      replies: to.named('replies', () => writeMembersNamed(replies as Record<string, unknown>, to)),
    }),
  };
}

/** The functions of each rule are named after it. */
function writeMembersNamed(rules: Readonly<Record<string, unknown>>, to: DocumentWriter): Json {
  const members = Object.entries(RULES).filter(([name]) => rules[name] !== undefined);
  return Object.fromEntries(
    members.map(([name, part]) => [
      name,
      to.named(name, () => (part as Part<unknown>).toJson(rules[name], to)),
    ]),
  );
}

/** The bytes before the first frame, by the side that sends them. */
export const PREFACE: Readonly<Record<'client' | 'server' | 'refusal', Part<Uint8Array | undefined>>> = {
  client: maybe(bytes),
  server: maybe(bytes),
  refusal: maybe(bytes),
};
