/** A side of a connection. */
export type Side = 'client' | 'server';

/** What a capture says of itself. */
export interface CaptureHeader {
  /** The name of the protocol that was spoken. */
  readonly protocol?: string | undefined;
  /** When second 0 was, as of ISO 8601: `'2026-11-25T18:00:00.000000001Z'`. */
  readonly start?: string | undefined;
  /** What recorded it. */
  readonly by?: string | undefined;
}

interface Of {
  /** Seconds since the capture's start. */
  readonly time: number;
  /** The number of the connection, from 0. */
  readonly connection: number;
}

/** A connection was opened, or is there when the capture begins. Addresses as `10.0.0.1:80` or `[::1]:80`, where they are known. */
export interface OpenEvent extends Of {
  readonly event: 'open';
  readonly client?: string | undefined;
  readonly server?: string | undefined;
}

/** A chunk: bytes that came, or were written, in one piece. */
export interface DataEvent extends Of {
  readonly event: 'data';
  readonly from: Side;
  readonly bytes: Buffer;
}

/** So many bytes were sent here and are not in the capture. */
export interface GapEvent extends Of {
  readonly event: 'gap';
  readonly from: Side;
  readonly length: number;
}

/** A segment brought other bytes for `length` bytes that were there already; the first ones count. */
export interface ConflictEvent extends Of {
  readonly event: 'conflict';
  readonly from: Side;
  readonly offset: number;
  readonly length: number;
}

/** A side has ended its direction, or reset the connection. */
export interface EndEvent extends Of {
  readonly event: 'end' | 'reset';
  readonly from: Side;
}

/** The session has gone to another state. */
export interface StateEvent extends Of {
  readonly event: 'state';
  readonly state: string;
}

/** What ended the connection. */
export interface ErrorEvent extends Of {
  readonly event: 'error';
  readonly code?: string | undefined;
  readonly message: string;
}

/** The connection is gone. */
export interface CloseEvent extends Of {
  readonly event: 'close';
}

/** The payload of a UDP packet, between ends that have no connection. */
export interface DatagramEvent {
  readonly event: 'datagram';
  readonly time: number;
  readonly source: string;
  readonly target: string;
  readonly bytes: Buffer;
}

/** What a capture is made of, in the order in which it happened. */
export type CaptureEvent =
  | OpenEvent
  | DataEvent
  | GapEvent
  | ConflictEvent
  | EndEvent
  | StateEvent
  | ErrorEvent
  | CloseEvent
  | DatagramEvent;
