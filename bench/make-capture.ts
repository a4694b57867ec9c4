/**
 * Writes a pcap file of drone commands over TCP: `tsx bench/make-capture.ts FILE BYTES SEGMENT CONNECTIONS`. Segments carry that many
 * bytes each, in turn on each connection; every eighth is acknowledged. The bytes are frames of `move` and `write`, cut wherever a
 * segment ends.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const BLOCK = 4_194_304;

export function makeCapture(file: string, bytes: number, segment: number, connections: number): void {
  const out = openSync(file, 'w');
  const commands = frames();
  const block = Buffer.alloc(BLOCK);
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(1, 20);
  writeSync(out, head);
  const sent = new Array<number>(connections).fill(0);
  let length = 0;
  let total = head.length;
  let count = 0;
  const packet = (
    connection: number,
    back: boolean,
    seq: number,
    ack: number,
    flags: number,
    from: number,
    to: number,
  ): void => {
    const size = 16 + 54 + to - from;
    if (length + size > BLOCK) {
      writeSync(out, block, 0, length);
      total += length;
      length = 0;
    }
    const time = count++;
    let at = length;
    block.writeUInt32LE(1_700_000_000 + Math.floor(time / 1_000_000), at);
    block.writeUInt32LE(time % 1_000_000, at + 4);
    block.writeUInt32LE(size - 16, at + 8);
    block.writeUInt32LE(size - 16, at + 12);
    at += 16;
    block.fill(2, at, at + 12);
    block.writeUInt16BE(0x0800, at + 12);
    at += 14;
    block.writeUInt32BE(0x45000000 + size - 30, at);
    block.writeUInt32BE(0x00004000, at + 4);
    block.writeUInt32BE(0x40060000, at + 8);
    block.writeUInt32BE(back ? 0x0a000002 : 0x0a000001, at + 12);
    block.writeUInt32BE(back ? 0x0a000001 : 0x0a000002, at + 16);
    at += 20;
    block.writeUInt16BE(back ? 4000 : 10_000 + connection, at);
    block.writeUInt16BE(back ? 10_000 + connection : 4000, at + 2);
    block.writeUInt32BE(seq >>> 0, at + 4);
    block.writeUInt32BE(ack >>> 0, at + 8);
    block.writeUInt32BE(0x5000_ffff + (flags << 16), at + 12);
    block.writeUInt32BE(0, at + 16);
    at += 20;
    for (let i = from; i < to; ) {
      const place = i % commands.length;
      const step = Math.min(to - i, commands.length - place);
      commands.copy(block, at, place, place + step);
      at += step;
      i += step;
    }
    length += size;
  };
  for (let i = 0; i < connections; i++) {
    packet(i, false, 99, 0, 0x02, 0, 0);
    packet(i, true, 499, 100, 0x12, 0, 0);
    packet(i, false, 100, 500, 0x10, 0, 0);
  }
  for (let turn = 0; total + length < bytes; turn++) {
    const i = turn % connections;
    const at = sent[i]!;
    packet(i, false, 100 + at, 500, 0x18, at, at + segment);
    sent[i] = at + segment;
    if ((at / segment) % 8 === 7) packet(i, true, 500, 100 + sent[i]!, 0x10, 0, 0);
  }
  for (let i = 0; i < connections; i++) {
    packet(i, false, 100 + sent[i]!, 500, 0x11, 0, 0);
    packet(i, true, 500, 101 + sent[i]!, 0x11, 0, 0);
    packet(i, false, 101 + sent[i]!, 501, 0x10, 0, 0);
  }
  writeSync(out, block, 0, length);
  closeSync(out);
}

/** A run of frames as the drone protocol has them: a little-endian length of four bytes, then `move` or `write`. */
function frames(): Buffer {
  return Buffer.concat(
    Array.from({ length: 4_096 }, (_, i) => {
      if (i % 8 === 0) return Buffer.from(`\u0008\0\0\0\u0002\u0006${String(i).padStart(6, '.')}`, 'latin1');
      const move = Buffer.alloc(13);
      move.writeUInt32LE(9, 0);
      move[4] = 1;
      move.writeInt32LE(i, 5);
      move.writeInt32LE(-i, 9);
      return move;
    }),
  );
}

const [file, bytes, segment, connections] = process.argv.slice(2);
if (import.meta.filename === process.argv[1]) {
  makeCapture(file!, Number(bytes), Number(segment), Number(connections));
}
