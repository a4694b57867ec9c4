/** An error reported by the server, or a breach of the protocol, in the form of pg. */
export class DatabaseError extends Error {
  readonly length: number;
  declare readonly name: string;
  severity?: string | undefined;
  code?: string | undefined;
  detail?: string | undefined;
  hint?: string | undefined;
  position?: string | undefined;
  internalPosition?: string | undefined;
  internalQuery?: string | undefined;
  where?: string | undefined;
  schema?: string | undefined;
  table?: string | undefined;
  column?: string | undefined;
  dataType?: string | undefined;
  constraint?: string | undefined;
  file?: string | undefined;
  line?: string | undefined;
  routine?: string | undefined;

  constructor(message: string | undefined, length: number, name: string, options?: ErrorOptions) {
    super(message, options);
    this.length = length;
    this.name = name;
  }
}
