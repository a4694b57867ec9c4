import { show } from '../bytes/show.ts';
import { callback, requireObjectOf } from '../options.ts';
import type { Codec } from './codec.ts';
import { type FieldFacts, fieldsAt } from './fields/field-at.ts';
import type { DeclaredCodec } from './fields/messages.ts';
import { type Known, Requests, type RequestsOptions } from './session/requests.ts';
import type { SessionTable } from './session/table.ts';

/** How the replies of a protocol find their requests: the rules of the protocol, without the options of a connection. */
// biome-ignore lint/suspicious/noExplicitAny: as RequestsOptions
export interface ReplyRules<Reply, Request = any> extends RequestsOptions<Reply, Request> {
  /**
   * The codec of a reply whose layout depends on its request: Modbus, Kafka. The protocol's own codec reads every frame first,
   * and its message (`reply`) is matched; then this codec decodes the frame again. Undefined keeps the first message.
   */
  // biome-ignore lint/suspicious/noExplicitAny: any codec
  readonly decode?: ((request: Request, reply: Reply) => Codec<any, any> | undefined) | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the types have done their work
type AnyRules = ReplyRules<any, any>;

/** The parts of a protocol that matching needs. */
export interface Parts {
  readonly clientMessages: object;
  readonly serverMessages: object;
  readonly session?: { readonly table: SessionTable } | undefined;
}

/**
 * Check reply rules against the declarations of a protocol; returns what the declarations say about the numbers.
 *
 * @throws TypeError for a path that no message has, or that does not lead to a number or a text
 * @throws RangeError for numbers that the field cannot hold
 */
export function knownOf(protocol: Parts, rules: AnyRules): Known {
  const session = protocol.session?.table;
  const { id, ids, decode } = rules;
  if (decode !== undefined) callback('replies: decode', decode);
  if (id === undefined) {
    if (ids !== undefined) throw new TypeError('replies: ids without an id: nothing is numbered');
    return { session };
  }
  const { request, reply } = typeof id === 'object' && id !== null ? id : { request: id, reply: id };
  const requests = factsOf(protocol.clientMessages, request, 'request');
  const replies = factsOf(protocol.serverMessages, reply, 'reply');
  const fields = [...(requests?.values() ?? []), ...(replies?.values() ?? [])];
  const kind = [...(requests?.values() ?? [])].map(({ holds }) => holds).find(isKind);
  const range = commonRange(fields);
  const [from, to] = ids ?? range ?? [undefined, undefined];
  if (range !== undefined && ids !== undefined && !(from! >= range[0] && to! <= range[1])) {
    throw new RangeError(
      `replies: ids from ${show(from)} to ${show(to)} do not fit '${request}', which holds ${range[0]} to ${range[1]}`,
    );
  }
  return {
    session,
    kind,
    ...(range !== undefined && { ids: range }),
    ...(requests !== undefined && { hasId: (type: string) => requests.has(type) || requests.has('') }),
  };
}

/** Check reply rules when they are declared, without a connection. */
export function checkReplyRules(protocol: Parts, rules: AnyRules): void {
  requireObjectOf('replies', 'an object of rules', rules);
  const { decode: _, ...options } = rules;
  new Requests(options, knownOf(protocol, rules));
}

/** The field at the path in each message that has it; undefined for a codec without a declaration. */
function factsOf(codec: object, path: unknown, side: string): ReadonlyMap<string, FieldFacts> | undefined {
  const { declaration } = codec as Partial<DeclaredCodec<unknown>>;
  if (declaration === undefined || typeof path !== 'string') return undefined;
  const found = fieldsAt(declaration.root, path);
  if (found.size === 0) throw new TypeError(`replies: id: no ${side} has a field '${path}'`);
  for (const [message, { holds }] of found) {
    if (holds !== 'other') continue;
    const where = message === '' ? '' : ` of '${message}'`;
    throw new TypeError(`replies: id: '${path}'${where} holds neither a number nor a text`);
  }
  return found;
}

function isKind(holds: FieldFacts['holds']): holds is 'number' | 'bigint' | 'text' {
  return holds === 'number' || holds === 'bigint' || holds === 'text';
}

/** The range from 0 that all of the fields can hold; undefined if no field has a limit. */
function commonRange(
  fields: readonly FieldFacts[],
): readonly [bigint, bigint] | readonly [number, number] | undefined {
  const maxima = fields.flatMap(({ max }) => (max === undefined ? [] : [BigInt(max)]));
  if (maxima.length === 0) return undefined;
  const max = maxima.reduce((a, b) => (a < b ? a : b));
  return max <= BigInt(Number.MAX_SAFE_INTEGER) ? [0, Number(max)] : [0n, max];
}
