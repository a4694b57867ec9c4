// Tools that work on a declaration without a connection: `wirepipe/tools`.

// declarations as JSON, and what changed between two of them
export type { Breaks, Shown, Trace, TraceMessage } from './compat/change.ts';
export {
  type Change,
  type CompareOptions,
  type Comparison,
  compareProtocols,
} from './compat/compare-protocols.ts';
// a dissector for Wireshark
export {
  type DissectableProtocol,
  type Dissector,
  type DissectorOptions,
  toDissector,
} from './dissector/to-dissector.ts';
// the wire documentation of a protocol
export { type DocumentedProtocol, type WireDocs, type WireDocsOptions, wireDocs } from './docs/wire-docs.ts';
export type { Gap } from './gap.ts';
export { DocumentError } from './json/document-error.ts';
export { type FromJsonOptions, fromJSON } from './json/from-json.ts';
export type { Json, Schema } from './json/part.ts';
export { protocolSchema } from './json/schema.ts';
export {
  functionsOf,
  type ProtocolJson,
  type ProtocolParts,
  type ToJsonOptions,
  toJSON,
} from './json/to-json.ts';

// a definition for Kaitai Struct
export { type Ksy, type KsyOptions, toKsy } from './ksy/to-ksy.ts';

// filters over messages
export { parseWhere, type Where, WhereError } from './where.ts';
