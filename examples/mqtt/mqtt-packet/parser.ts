import { EventEmitter } from 'node:events';
import type { FrameReader, ProtocolError } from 'wirepipe';
import { framing } from '../fixed-header.ts';
import { mqtt, mqtt5 } from '../packets.ts';
import { fromMessage } from './from-message.ts';
import type { Settings } from './packet.ts';
import { receivedError } from './texts.ts';

/**
 * Like mqtt-packet's parser: takes chunks, emits `packet` and `error`. After an error, the next chunk starts a new
 * stream.
 */
export class Parser extends EventEmitter {
  /** The options of the last CONNECT, if there was one. */
  settings: Settings;
  readonly #reader: FrameReader = framing.reader();
  #hasFailed = false;
  /** The first bytes of the current packet, at most its fixed header. */
  #begun: Buffer = NONE;

  constructor(settings: Settings = {}) {
    super();
    this.settings = settings;
  }

  /** Returns how many bytes of an incomplete packet were received, without its fixed header. */
  parse(chunk: Buffer): number {
    if (this.#hasFailed) this.#reset();
    const reader = this.#reader;
    reader.push(chunk);
    for (let batch = reader.take(); batch !== undefined; batch = reader.take()) {
      const { bytes, bounds, count } = batch;
      for (let i = 0; i < count; i++) {
        if (!this.#packet(bytes, bounds[2 * i]!, bounds[2 * i + 1]!)) return this.#left(chunk);
      }
    }
    if (reader.error !== undefined) this.#fail(reader.error);
    return this.#left(chunk);
  }

  #packet(bytes: Buffer, start: number, end: number): boolean {
    try {
      const codec = this.settings.protocolVersion === 5 ? mqtt5 : mqtt;
      const message = codec.decode(bytes, start, end);
      const packet = fromMessage(message, end - start - headerLength(bytes, start, end), this.settings);
      if (message.type === 'connect') this.settings = packet;
      this.emit('packet', packet);
      return true;
    } catch (error) {
      if (!isOurs(error)) throw error;
      this.#fail(error);
      return false;
    }
  }

  #fail(error: ProtocolError): void {
    this.#hasFailed = true;
    this.emit('error', receivedError(error, this.settings));
  }

  #reset(): void {
    this.#hasFailed = false;
    this.#begun = NONE;
    this.#reader.reset();
  }

  #left(chunk: Buffer): number {
    const { buffered } = this.#reader;
    if (buffered === 0) {
      this.#begun = NONE;
      return 0;
    }
    const isNew = buffered <= chunk.length;
    const begun = isNew ? chunk.subarray(chunk.length - buffered) : Buffer.concat([this.#begun, chunk]);
    this.#begun = Buffer.from(begun.subarray(0, LONGEST_HEADER));
    return buffered - headerLength(this.#begun, 0, this.#begun.length);
  }
}

/** The length of the fixed header received so far: the type, and the remaining length once it is complete. */
function headerLength(bytes: Buffer, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) if (bytes[at]! < 0x80) return at + 1 - start;
  return 1;
}

const LONGEST_HEADER = 5;
const NONE = Buffer.alloc(0);

function isOurs(error: unknown): error is ProtocolError {
  return error instanceof Error && 'code' in error && 'origin' in error;
}
