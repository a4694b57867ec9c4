/** The four stages written in the simplest way: plain Transforms, one object at a time, one write per answer. */
import { Transform } from 'node:stream';

interface Message {
  type: string;
  [field: string]: unknown;
}

/** Takes bytes, gives a Buffer per frame, and joins the rest with each new chunk. */
export function plainFrames(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  return new Transform({
    readableObjectMode: true,
    transform(chunk: Buffer, _, callback) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (rest.length - at >= 4) {
        const length = rest.readUInt32LE(at);
        if (length > 10_000_000) return callback(new RangeError('too long'));
        const end = at + 4 + length;
        if (end > rest.length) break;
        this.push(rest.subarray(at + 4, end));
        at = end;
      }
      rest = rest.subarray(at);
      callback();
    },
  });
}

/** Takes payloads, and gives a Buffer per frame: one write per frame. */
export function plainEncoder(rewrite: boolean): Transform {
  return new Transform({
    writableObjectMode: true,
    transform(frame: Buffer, _, callback) {
      const header = Buffer.allocUnsafe(rewrite ? 2 : 4);
      if (rewrite) header.writeUInt16BE(frame.length);
      else header.writeUInt32LE(frame.length);
      callback(null, Buffer.concat([header, frame]));
    },
  });
}

export function plainStages(): Transform[] {
  const decoder = new Transform({
    objectMode: true,
    transform(frame: Buffer, _, callback) {
      callback(null, decode(frame));
    },
  });
  let state = 'handshake';
  const machine = new Transform({
    objectMode: true,
    transform(message: Message, _, callback) {
      if (state === 'handshake') {
        if (message.type !== 'write') return callback(null, { type: 'error', text: 'EXPECTED_HANDSHAKE' });
        state = message.text === 'HELLO' ? 'authenticated' : 'closing';
        return callback(null, { type: 'ok', text: 'AUTH_OK' });
      }
      if (message.type === 'move') {
        return callback(null, { type: 'ok', text: `MOVING_TO(${message.x}, ${message.y})` });
      }
      const { r, g, b } = message;
      return callback(null, { type: 'ok', text: `COLOR_SET(${r}, ${g}, ${b})` });
    },
  });
  const encoder = new Transform({
    writableObjectMode: true,
    transform(message: Message, _, callback) {
      const text = Buffer.from(String(message.text));
      const bytes = Buffer.allocUnsafe(6 + text.length);
      bytes.writeUInt32LE(2 + text.length, 0);
      bytes[4] = message.type === 'ok' ? 0x80 : 0x81;
      bytes[5] = text.length;
      text.copy(bytes, 6);
      callback(null, bytes);
    },
  });
  return [plainFrames(), decoder, machine, encoder];
}

function decode(frame: Buffer): Message {
  switch (frame[0]) {
    case 1:
      return { type: 'move', x: frame.readInt32LE(1), y: frame.readInt32LE(5) };
    case 2:
      return { type: 'write', text: frame.toString('utf8', 2, 2 + frame[1]!) };
    case 3:
      return { type: 'changeColor', r: frame[1]!, g: frame[2]!, b: frame[3]! };
    default:
      return { type: 'quit' };
  }
}
