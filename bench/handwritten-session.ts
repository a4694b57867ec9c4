/**
 * The drone's session written by hand for speed: one function over the received bytes, without streams. It does
 * everything that the four stages do (limits, UTF-8, states, answers), and nothing more general.
 */
export function handwrittenSession(): (chunk: Buffer) => Buffer {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let state: 'handshake' | 'authenticated' | 'closing' = 'handshake';
  let rest: Buffer | undefined;
  let out = Buffer.allocUnsafe(65_536);
  let written = 0;

  function answer(tag: number, text: string): void {
    const length = text.length;
    if (out.length - written < 6 + length) {
      const grown = Buffer.allocUnsafe(2 * out.length);
      out.copy(grown, 0, 0, written);
      out = grown;
    }
    const payload = length + 2;
    out[written] = payload;
    out[written + 1] = payload >>> 8;
    out[written + 2] = 0;
    out[written + 3] = 0;
    out[written + 4] = tag;
    out[written + 5] = length;
    // Every answer is ASCII.
    for (let i = 0; i < length; i++) out[written + 6 + i] = text.charCodeAt(i);
    written += 6 + length;
  }

  function text(bytes: Buffer, at: number, end: number): string {
    if (at + 1 > end || at + 1 + bytes[at]! > end) throw new RangeError('text too short');
    return utf8.decode(bytes.subarray(at + 1, at + 1 + bytes[at]!));
  }

  function message(bytes: Buffer, at: number, end: number): void {
    if (at === end) throw new RangeError('empty');
    switch (bytes[at]) {
      case 0:
        if (state === 'handshake') answer(0x81, 'EXPECTED_HANDSHAKE');
        else {
          answer(0x80, 'BYE');
          state = 'closing';
        }
        break;
      case 1: {
        if (end - at < 9) throw new RangeError('move too short');
        const x = bytes.readInt32LE(at + 1);
        const y = bytes.readInt32LE(at + 5);
        if (state === 'handshake') answer(0x81, 'EXPECTED_HANDSHAKE');
        else answer(0x80, `MOVING_TO(${x}, ${y})`);
        break;
      }
      case 2: {
        const token = text(bytes, at + 1, end);
        if (state === 'authenticated') answer(0x81, 'WRONG_STATE');
        else if (token === 'HELLO') {
          answer(0x80, 'AUTH_OK');
          state = 'authenticated';
        } else {
          answer(0x81, 'AUTH_FAILED');
          state = 'closing';
        }
        break;
      }
      case 3: {
        if (end - at < 4) throw new RangeError('changeColor too short');
        const r = bytes[at + 1]!;
        const g = bytes[at + 2]!;
        const b = bytes[at + 3]!;
        if (state === 'handshake') answer(0x81, 'EXPECTED_HANDSHAKE');
        else answer(0x80, `COLOR_SET(${r}, ${g}, ${b})`);
        break;
      }
      default:
        throw new RangeError('unknown message');
    }
  }

  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    out = Buffer.allocUnsafe(65_536);
    written = 0;
    let at = 0;
    while (bytes.length - at >= 4 && state !== 'closing') {
      const length = bytes.readUInt32LE(at);
      if (length > 10_000_000) throw new RangeError('too long');
      const end = at + 4 + length;
      if (end > bytes.length) break;
      message(bytes, at + 4, end);
      at = end;
    }
    rest = at === bytes.length ? undefined : bytes.subarray(at);
    return out.subarray(0, written);
  };
}
