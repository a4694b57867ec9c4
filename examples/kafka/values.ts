/**
 * The primitive types of Kafka's protocol guide that are not plain integers
 * (https://kafka.apache.org/protocol#protocol_types). A size of −1 means null.
 */
import { type AnyField, array, bytes, i16be, i32be, size, utf8, varint } from 'wirepipe';

/** STRING */
export const string = utf8(i16be);

/** NULLABLE_STRING */
export const nullableString = utf8(size(i16be, { nullAt: -1 }));

/** ARRAY that is never null. */
export const list = <F extends AnyField>(item: F) => array(item, i32be);

/** ARRAY */
export const nullableList = <F extends AnyField>(item: F) => array(item, size(i32be, { nullAt: -1 }));

/** The key and the value of a record: bytes after a varint length. */
export const nullableBytes = bytes(size(varint, { nullAt: -1 }));
