import { show } from '../../bytes/show.ts';

/** A document that cannot be read. `path` is the place in it: `clientMessages.messages[1].fields[0].type.size`. */
export class DocumentError extends TypeError {
  override readonly name: string = 'DocumentError';
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`${path === '' ? 'the document' : path}: ${problem}`, cause === undefined ? {} : { cause });
    this.path = path;
  }
}

/** The error for an unexpected value at a path. */
export function unexpected(path: string, expected: string, got: unknown): DocumentError {
  return new DocumentError(path, `expected ${expected}, got ${show(got)}`);
}

/** Call a maker; an error that it throws is reported for the path. */
export function at<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DocumentError || !(error instanceof Error)) throw error;
    throw new DocumentError(path, error.message, error);
  }
}

/** The path of a member. */
export function inside(path: string, name: string | number): string {
  if (typeof name === 'number') return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
