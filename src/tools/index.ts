// What a declaration gives beside a connection: `wirepipe/tools`.

// a dissector for Wireshark
export type { Unexpressed } from './dissector/field-readers.ts';
export {
  type DissectableProtocol,
  type Dissector,
  type DissectorOptions,
  toDissector,
} from './dissector/to-dissector.ts';
// filters over messages
export { parseWhere, type Where, WhereError } from './where.ts';
