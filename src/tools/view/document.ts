/**
 * A recorded conversation as plain JSON: what the viewer shows, whatever program wrote it.
 *
 *     document ─┬─ connections   name of each
 *               └─ events        in the order of time: a message, or a mark between messages
 */
export interface ViewDocument {
  readonly wirepipe: 'view';
  readonly version: 1;
  readonly title: string;
  /** The protocol's name. */
  readonly protocol: string;
  readonly connections: readonly ViewConnection[];
  readonly events: readonly ViewEvent[];
  /** Of a page that goes on: the number of the next event, which `events?from=` beside the page begins with. */
  readonly live?: number;
}

/** What comes to a page that goes on: all connections, and the next events. */
export interface ViewAddition {
  readonly connections: readonly ViewConnection[];
  readonly events: readonly ViewEvent[];
}

export interface ViewConnection {
  /** Such as `10.0.0.1:50312 → 10.0.0.2:4000`. */
  readonly name: string;
}

export type ViewEvent = ViewMessage | ViewMark;

interface Place {
  /** Its index in `connections`. */
  readonly connection: number;
  readonly from: 'client' | 'server';
  /** Milliseconds since the beginning of the recording. */
  readonly time: number;
}

/** A frame and what it says. */
export interface ViewMessage extends Place {
  readonly is: 'message';
  /** The message's name; empty for a frame that could not be decoded. */
  readonly type: string;
  /** The states that the server may have been in when it came, as far as the messages tell. */
  readonly state?: string;
  /** The frame's payload in hex. */
  readonly bytes: string;
  /** Its fields, outer before inner. */
  readonly spans: readonly ViewSpan[];
  /** The message, by `toDocumentValue`; missing where decoding failed. */
  readonly value?: unknown;
  /** What was wrong with it. */
  readonly error?: ViewError;
  /** Why the session does not take this message here. */
  readonly breach?: string;
  /** The frame came in several chunks: how many there were. */
  readonly chunks?: number;
}

/** A field: its path, the byte it begins at, the byte behind its last, and its value by `toDocumentValue`. */
export type ViewSpan = readonly [path: string, start: number, end: number, value: unknown];

export interface ViewError {
  readonly code: string;
  readonly message: string;
  /** The byte of the frame, where it is known. */
  readonly offset?: number;
}

/** Something between messages: a framing error, bytes that are missing from the recording, bytes skipped, a limit, an end. */
export interface ViewMark extends Place {
  readonly is: 'fault' | 'gap' | 'noise' | 'limit' | 'end';
  readonly text: string;
}

/** Whether a value is a document that this version of the viewer shows; only its head and the kinds of its lists are looked at. */
export function isViewDocument(value: unknown): value is ViewDocument {
  const { wirepipe, version, title, protocol, connections, events } = (value ?? {}) as Record<
    string,
    unknown
  >;
  return (
    wirepipe === 'view' &&
    version === 1 &&
    typeof title === 'string' &&
    typeof protocol === 'string' &&
    Array.isArray(connections) &&
    Array.isArray(events)
  );
}
