/**
 * Record batches, message format 2 (https://kafka.apache.org/documentation/#recordbatch), without compression.
 *
 *     base offset i64 · length i32 │ leader epoch i32 · magic 2 · CRC-32C │ attributes … records │
 *                                  └──────────────── length ────────────────────────────────────┘
 *                                                                         └──── CRC-32C over ───┘
 */
import {
  array,
  bounded,
  checksum,
  constant,
  defaulted,
  type FieldOut,
  i8,
  i16be,
  i32be,
  i64be,
  rest,
  struct,
  u32be,
  utf8,
  varint,
} from 'wirepipe';
import { list, nullableBytes } from './values.ts';

/** One record; its varints are zigzag. */
const record = bounded(
  varint,
  struct({
    attributes: constant(i8, 0),
    timestampDelta: varint,
    offsetDelta: varint,
    key: nullableBytes,
    value: nullableBytes,
    headers: array(struct({ key: utf8(varint), value: nullableBytes }), varint),
  }),
);

const recordBatch = struct({
  baseOffset: i64be,
  batch: bounded(
    i32be,
    struct({
      partitionLeaderEpoch: i32be,
      magic: constant(i8, 2),
      crc: checksum(u32be, 'CRC-32/ISCSI', { from: 'attributes', to: rest }),
      attributes: defaulted(i16be, 0),
      lastOffsetDelta: i32be,
      firstTimestamp: i64be,
      maxTimestamp: i64be,
      producerId: i64be,
      producerEpoch: i16be,
      baseSequence: i32be,
      records: list(record),
    }),
  ),
});

/** The batches sent to a partition, one after the other. */
const batches = array(recordBatch, rest);
export const records = bounded(i32be, batches);
export type Batches = FieldOut<typeof batches>;
