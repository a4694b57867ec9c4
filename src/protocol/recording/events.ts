/** A side of a connection. */
export type Side = 'client' | 'server';

/** The header of a capture. */
export interface CaptureHeader {
  /** The name of the recorded protocol. */
  readonly protocol?: string | undefined;
  /** The time of second 0, in ISO 8601: `'2026-11-25T18:00:00.000000001Z'`. */
  readonly start?: string | undefined;
  /** The program that recorded the capture. */
  readonly by?: string | undefined;
}

interface Of {
  /** Seconds since the capture's start. */
  readonly time: number;
  /** The number of the connection, from 0. */
  readonly connection: number;
}

/**
 * A connection was opened, or exists when the capture begins. Known addresses have the form `10.0.0.1:80` or
 * `[::1]:80`.
 */
export interface OpenEvent extends Of {
  readonly event: 'open';
  readonly client?: string | undefined;
  readonly server?: string | undefined;
}

/** A chunk: bytes received or written in one piece. */
export interface DataEvent extends Of {
  readonly event: 'data';
  readonly from: Side;
  readonly bytes: Buffer;
}

/** `length` bytes were sent here but not captured. */
export interface GapEvent extends Of {
  readonly event: 'gap';
  readonly from: Side;
  readonly length: number;
}

/** A segment brought `length` bytes at `offset`, different from bytes already received; the earlier bytes count. */
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

/** The payload of a UDP packet. Datagrams belong to no connection. */
export interface DatagramEvent {
  readonly event: 'datagram';
  readonly time: number;
  readonly source: string;
  readonly target: string;
  readonly bytes: Buffer;
}

/** An event of a capture. Events are in the order in which they happened. */
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
