import { PcapngWriter } from '../../../src/captures/pcapng-writer.ts';
import type { CaptureEvent } from '../../../src/protocol/recording/events.ts';

/** A capture that a test writes: connections to ports of 10.0.0.2. */
export class Conversations {
  readonly #writer = new PcapngWriter({ start: '2026-11-25T12:00:00Z' });
  readonly #parts: Buffer[] = [this.#writer.start()];
  #time = 0;

  open(connection: number, port: number): void {
    this.#add({
      event: 'open',
      connection,
      client: `10.0.0.1:${20_000 + connection}`,
      server: `10.0.0.2:${port}`,
    });
  }

  /** Bytes in segments of the given lengths, the last one taking the rest. */
  send(connection: number, from: 'client' | 'server', bytes: Buffer, ...lengths: number[]): void {
    let at = 0;
    for (const length of [...lengths, bytes.length]) {
      if (at >= bytes.length) return;
      this.#add({ event: 'data', connection, from, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
  }

  datagram(source: string, target: string, bytes: Buffer): void {
    this.#add({ event: 'datagram', source, target, bytes });
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(event: object): void {
    this.#time += 0.001;
    this.#parts.push(this.#writer.event({ time: this.#time, ...event } as unknown as CaptureEvent));
  }
}
