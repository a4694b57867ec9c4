import { Duplex } from 'node:stream';

/**
 * A line on which the sender receives its own bytes (RS-485 on two wires): the sent bytes are removed from the received
 * ones.
 *
 *     sent   ── request ──────────────────▶ line
 *     comes  ◀─ reply ─│ request (echo) ─── line
 *
 * If other bytes come in place of the echo, two devices have sent at once: then all bytes pass, and the checksum
 * decides.
 */
export function withoutEcho(line: Duplex): Duplex {
  let echo = Buffer.alloc(0);
  const duplex = new Duplex({
    read: () => void line.resume(),
    write(chunk: Buffer, _, done) {
      echo = Buffer.concat([echo, chunk]);
      line.write(chunk, done);
    },
    final: (done) => void line.end(done),
    destroy(error, done) {
      line.destroy();
      done(error);
    },
  });
  line.on('data', (chunk: Buffer) => {
    const length = Math.min(echo.length, chunk.length);
    const isEcho = chunk.subarray(0, length).equals(echo.subarray(0, length));
    echo = isEcho ? echo.subarray(length) : Buffer.alloc(0);
    const others = isEcho ? chunk.subarray(length) : chunk;
    if (others.length > 0 && !duplex.push(others)) line.pause();
  });
  line.on('end', () => duplex.push(null)).on('error', (error) => duplex.destroy(error));
  line.on('close', () => duplex.destroy());
  return duplex;
}
