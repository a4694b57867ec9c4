/**
 * A recorded conversation as plain JSON, for the viewer; any program may write it.
 *
 *     document ─┬─ connections   name of each
 *               └─ events        in time order: a message, or a mark between messages
 */
export interface ViewDocument {
  readonly wirepipe: 'view';
  readonly version: 1;
  readonly title: string;
  /** The protocol's name. */
  readonly protocol: string;
  readonly connections: readonly ViewConnection[];
  readonly events: readonly ViewEvent[];
  /** For a page that keeps growing: the number of the next event, with which `events?from=` on the same server begins. */
  readonly live?: number;
}

/** An update for a growing page: all connections, and the next events. */
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
  /** Milliseconds since the start of the recording. */
  readonly time: number;
}

/** A frame and its message. */
export interface ViewMessage extends Place {
  readonly is: 'message';
  /** The message's name; empty for a frame that could not be decoded. */
  readonly type: string;
  /** The states that the server may have been in when the message was received, as far as the messages tell. */
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
  /** The number of chunks, if the frame came in several. */
  readonly chunks?: number;
}

/** A field: its path, its first byte, the byte after its last, and its value by `toDocumentValue`. */
export type ViewSpan = readonly [path: string, start: number, end: number, value: unknown];

export interface ViewError {
  readonly code: string;
  readonly message: string;
  /** The offset in the frame, if it is known. */
  readonly offset?: number;
}

/** An event between messages: a framing error, bytes missing from the recording, skipped bytes, a time limit, an end. */
export interface ViewMark extends Place {
  readonly is: 'fault' | 'gap' | 'noise' | 'limit' | 'end';
  readonly text: string;
}

/** Whether a value is a document that this version of the viewer shows. Only its head and the types of its lists are checked. */
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
