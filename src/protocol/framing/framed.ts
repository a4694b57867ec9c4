import type { FrameWriter } from './framing.ts';

/**
 * The frame of a payload, in memory of its own.
 *
 * @throws FrameError as `FrameWriter.write` does
 */
export function framed(writer: FrameWriter, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(writer.bound(payload.length));
  return frame.subarray(0, writer.write(frame, 0, payload, 0, payload.length));
}
