import type { ScramServer } from './scram.ts';

/** What a database makes of a statement. */
export type Result =
  | Table
  | { readonly tag: string }
  | { readonly copyOut: readonly string[] }
  | { readonly copyIn: (data: string) => string };

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly tag: string;
}

export interface Database {
  /** The password of a user; undefined for an unknown user. */
  password(user: string): string | undefined;
  /** Throws an Error to refuse the statement. */
  run(sql: string, parameters: readonly (string | null)[]): Result;
}

/** A statement with its parameters. */
export interface Portal {
  readonly sql: string;
  readonly parameters: readonly (string | null)[];
}

/** The most statements of one connection, and the most portals. */
const MOST = 1_000;

/** What a server keeps for one connection. */
export class Visit {
  readonly database: Database;
  scram: ScramServer | undefined;
  readonly statements: Map<string, string> = new Map();
  readonly portals: Map<string, Portal> = new Map();
  copied: string[] = [];
  copiedLength = 0;
  copyIn: (data: string) => string = () => 'COPY 0';

  constructor(database: Database) {
    this.database = database;
  }

  /** Keep an item by name. Returns false if there are too many. */
  keep<T>(all: Map<string, T>, name: string, one: T): boolean {
    if (!all.has(name) && all.size >= MOST) return false;
    all.set(name, one);
    return true;
  }
}
