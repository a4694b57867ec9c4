// What a declaration gives beside a connection: `wirepipe/tools`.

// filters over messages
export { parseWhere, type Where, WhereError } from './where.ts';
