/**
 * A drone server by hand, on node:net alone: `node drone-server.mjs PORT [BUG]`. It does what `drone` declares; a bug that is named is
 * planted. Prints its port once it listens.
 *
 *     frame    u32le payload length, at most 10,000,000 · payload
 *     payload  u8 discriminant · body
 */
import net from 'node:net';

const [, , port = '0', bug = ''] = process.argv;
const MOST = 10_000_000;
/** More unwritten answers than this, and nothing is read until they are written. */
const MOST_WAITING = 65_536;

/** What the leaking server never lets go. */
const kept = [];

class Refused extends Error {}

function serve(socket) {
  let state = 'handshake';
  let pending = Buffer.alloc(0);

  const say = (tag, text) => {
    const body = Buffer.from(text);
    const frame = Buffer.alloc(6 + body.length);
    frame.writeUInt32LE(2 + body.length, 0);
    frame[4] = tag;
    frame[5] = body.length;
    body.copy(frame, 6);
    socket.write(frame);
  };
  const ok = (text) => say(0x80, text);
  const error = (text) => say(0x81, text);

  const take = (payload) => {
    if (payload.length === 0 && bug !== 'crash on an empty message') throw new Refused('empty');
    const body = payload.subarray(1);
    const need = (count) => {
      const missing = bug === 'off by one in a length' ? 1 : 0;
      if (body.length + missing < count) throw new Refused('short');
    };
    switch (payload.readUInt8(0)) {
      case 0:
        if (state === 'handshake') return error('EXPECTED_HANDSHAKE');
        state = 'closing';
        return ok('BYE');
      case 1: {
        need(8);
        if (state === 'handshake' && bug !== 'state skipped') return error('EXPECTED_HANDSHAKE');
        const x = body.readInt32LE(0);
        const y =
          bug === 'off by one in a length'
            ? body.readIntLE(4, Math.min(4, body.length - 4))
            : body.readInt32LE(4);
        const isSwapped = bug === 'wrong byte order at a boundary' && x === -2_147_483_648;
        return ok(`MOVING_TO(${isSwapped ? body.readInt32BE(0) : x}, ${y})`);
      }
      case 2: {
        need(1);
        need(1 + body[0]);
        const bytes = body.subarray(1, 1 + body[0]);
        const isText = Buffer.from(bytes.toString()).equals(bytes);
        if (!isText && bug !== 'text not validated') throw new Refused('text');
        if (state !== 'handshake') return error('WRONG_STATE');
        if (bytes.toString() === 'HELLO') {
          state = 'authenticated';
          return ok('AUTH_OK');
        }
        state = 'closing';
        return error('AUTH_FAILED');
      }
      case 3:
        need(3);
        if (state === 'handshake') return error('EXPECTED_HANDSHAKE');
        return ok(`COLOR_SET(${body[0]}, ${body[1]}, ${body[2]})`);
      default:
        if (bug === 'crash on an unknown discriminant') return undefined.take();
        throw new Refused('discriminant');
    }
  };

  const read = (chunk) => {
    if (bug === 'loses a message that is split in its length' && pending.length === 0 && chunk.length < 4)
      return;
    if (bug === 'keeps what it was sent') for (let copy = 0; copy < 64; copy++) kept.push(Buffer.from(chunk));
    pending = Buffer.concat([pending, chunk]);
    let at = 0;
    let taken = 0;
    while (pending.length - at >= 4 && state !== 'closing') {
      const length = pending.readUInt32LE(at);
      if (length > MOST && bug !== 'missing maximum') throw new Refused('too long');
      if (bug === 'missing maximum') Buffer.allocUnsafe(Math.min(length, 2 ** 31));
      if (pending.length - at < 4 + length) break;
      const payload = pending.subarray(at + 4, at + 4 + length);
      take(payload);
      if (bug === 'answers twice when coalesced' && ++taken === 2) take(payload);
      at += 4 + length;
    }
    pending = pending.subarray(at);
    if (state !== 'closing') return;
    if (bug === 'answers after the end' && pending.length > 4) ok('STILL_HERE');
    pending = Buffer.alloc(0);
    socket.end();
  };

  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    if (state === 'closing') return;
    try {
      read(chunk);
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      state = 'closing';
      socket.end();
    }
    if (socket.writableLength > MOST_WAITING && bug !== 'unbounded answers') {
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  });
  socket.on('end', () => {
    if (bug !== 'hangs on a half-closed connection' || pending.length > 0) socket.end();
  });
}

const server = net.createServer({ allowHalfOpen: true }, serve);
server.listen(Number(port), '127.0.0.1', () => console.log(server.address().port));
