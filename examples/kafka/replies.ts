/**
 * The broker's replies. A reply has no type: its correlation id names the request, which determines the type.
 *
 *     length i32 │ correlation id i32 │ the reply
 */
import {
  bool,
  byKind,
  bytes,
  codecOf,
  i16be,
  i32be,
  i64be,
  optional,
  parameter,
  rest,
  struct,
  when,
} from 'wirepipe';
import type { RequestToSend } from './requests.ts';
import { list, nullableString, string } from './values.ts';

const head = { correlation: i32be };

/** One codec per supported version of the request. */
const apiVersions = codecOf(
  struct({
    ...head,
    error: i16be,
    apis: list(struct({ key: i16be, min: i16be, max: i16be })),
    throttle: optional(i32be, when(parameter('version'), { min: 1 })),
  }),
  { parameters: { version: { default: 0, min: 0, max: 2 } } },
);

/** By API, and by version if it matters. */
const codecs = {
  apiVersions,
  apiVersionsSince1: apiVersions.with({ version: 1 }),
  metadata: codecOf(
    struct({
      ...head,
      brokers: list(struct({ id: i32be, host: string, port: i32be, rack: nullableString })),
      controller: i32be,
      topics: list(
        struct({
          error: i16be,
          name: string,
          isInternal: bool,
          partitions: list(
            struct({
              error: i16be,
              partition: i32be,
              leader: i32be,
              replicas: list(i32be),
              inSync: list(i32be),
            }),
          ),
        }),
      ),
    }),
  ),
  produce: codecOf(
    struct({
      ...head,
      topics: list(
        struct({
          name: string,
          partitions: list(struct({ partition: i32be, error: i16be, offset: i64be, timestamp: i64be })),
        }),
      ),
      throttle: i32be,
    }),
  ),
};

/** What a broker sends. */
export const replies = byKind(codecs);

/** The part of any reply that can be read before its request is known. */
export const anyReply = codecOf(struct({ ...head, body: bytes(rest) }));

/** The codec of what answers a request. */
export function replyTo({ type, api }: RequestToSend) {
  return type === 'apiVersions' ? apiVersions.with({ version: api.version }) : codecs[type];
}
