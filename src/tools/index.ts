// What a declaration gives beside a connection: `wirepipe/tools`.

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

// filters over messages
export { parseWhere, type Where, WhereError } from './where.ts';
