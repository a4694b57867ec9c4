/**
 * The requests of a producer (https://kafka.apache.org/protocol#protocol_messages), each in one version.
 *
 *     length i32 │ API key i16 · API version i16 · correlation id i32 · client id │ the request
 */
import { type Encodable, i16be, i32be, lengthPrefix, message, messages, only, struct } from 'wirepipe';
import { records } from './record-batch.ts';
import { list, nullableList, nullableString, string } from './values.ts';

export const framing = lengthPrefix({ byteOrder: 'big', maxFrameLength: 16_777_216 });

/** Request header, version 1: the part of fixed size, then the client's name. */
const header = { api: struct({ key: i16be, version: i16be }), correlation: i32be };
const client = { client: nullableString };

/** The APIs, in the versions supported here. */
export const APIS = [
  { key: 0, min: 3, max: 3 },
  { key: 3, min: 1, max: 1 },
  { key: 18, min: 0, max: 2 },
] as const;

export const requests = messages(
  'api.key',
  {
    produce: message(0, {
      version: only('api.version', 3),
      ...client,
      transactionalId: nullableString,
      acks: i16be,
      timeout: i32be,
      topics: list(struct({ name: string, partitions: list(struct({ partition: i32be, records })) })),
    }),
    metadata: message(3, { version: only('api.version', 1), ...client, topics: nullableList(string) }),
    apiVersions: message(18, { version: only('api.version', { max: 2 }), ...client }),
  },
  { header },
);

export type RequestToSend = Encodable<typeof requests>;
