/** The drone's client messages and a telemetry message, read and written by hand: the baseline. */
import type { ClientMessage } from 'wirepipe/drone';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeClientMessage(bytes: Buffer): ClientMessage {
  if (bytes.length < 1) throw new RangeError('an empty frame');
  switch (bytes[0]) {
    case 0:
      return { type: 'quit' };
    case 1:
      if (bytes.length < 9) throw new RangeError('move: too short');
      return { type: 'move', x: bytes.readInt32LE(1), y: bytes.readInt32LE(5) };
    case 2: {
      if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) throw new RangeError('write: too short');
      return { type: 'write', text: utf8.decode(bytes.subarray(2, 2 + bytes[1]!)) };
    }
    case 3:
      if (bytes.length < 4) throw new RangeError('changeColor: too short');
      return { type: 'changeColor', r: bytes[1]!, g: bytes[2]!, b: bytes[3]! };
    default:
      throw new RangeError(`no message ${bytes[0]}`);
  }
}

export function encodeClientMessage(message: ClientMessage): Buffer {
  switch (message.type) {
    case 'quit':
      return Buffer.from([0]);
    case 'move': {
      const bytes = Buffer.allocUnsafe(9);
      bytes[0] = 1;
      bytes.writeInt32LE(message.x, 1);
      bytes.writeInt32LE(message.y, 5);
      return bytes;
    }
    case 'write': {
      const length = Buffer.byteLength(message.text);
      if (length > 255) throw new RangeError('write: the text is too long');
      const bytes = Buffer.allocUnsafe(2 + length);
      bytes[0] = 2;
      bytes[1] = length;
      bytes.write(message.text, 2);
      return bytes;
    }
    case 'changeColor': {
      const bytes = Buffer.allocUnsafe(4);
      bytes[0] = 3;
      bytes.writeUInt8(message.r, 1);
      bytes.writeUInt8(message.g, 2);
      bytes.writeUInt8(message.b, 3);
      return bytes;
    }
  }
}

export interface Telemetry {
  time: number;
  latitude: number;
  longitude: number;
  altitude: number;
  vx: number;
  vy: number;
  vz: number;
  roll: number;
  pitch: number;
  yaw: number;
  battery: number;
  voltage: number;
  current: number;
  fix: number;
  satellites: number;
  hdop: number;
  mode: number;
  armed: boolean;
  name: string;
  cells: { millivolts: number; celsius: number }[];
}

export function decodeTelemetry(bytes: Buffer): Telemetry {
  if (bytes.length < 53) throw new RangeError('telemetry: too short');
  if (bytes[50]! > 1) throw new RangeError('telemetry: armed is 0 or 1');
  const nameEnd = 52 + bytes[51]!;
  if (bytes.length < nameEnd + 1) throw new RangeError('telemetry: too short');
  const count = bytes[nameEnd]!;
  if (bytes.length !== nameEnd + 1 + 3 * count) throw new RangeError('telemetry: the wrong length');
  const cells = [];
  for (let at = nameEnd + 1; at < bytes.length; at += 3) {
    cells.push({ millivolts: bytes.readUInt16LE(at), celsius: bytes.readInt8(at + 2) });
  }
  return {
    time: bytes.readDoubleLE(0),
    latitude: bytes.readInt32LE(8),
    longitude: bytes.readInt32LE(12),
    altitude: bytes.readInt32LE(16),
    vx: bytes.readInt16LE(20),
    vy: bytes.readInt16LE(22),
    vz: bytes.readInt16LE(24),
    roll: bytes.readFloatLE(26),
    pitch: bytes.readFloatLE(30),
    yaw: bytes.readFloatLE(34),
    battery: bytes[38]!,
    voltage: bytes.readUInt16LE(39),
    current: bytes.readInt32LE(41),
    fix: bytes[45]!,
    satellites: bytes[46]!,
    hdop: bytes.readUInt16LE(47),
    mode: bytes[49]!,
    armed: bytes[50] === 1,
    name: utf8.decode(bytes.subarray(52, nameEnd)),
    cells,
  };
}

export function encodeTelemetry(telemetry: Telemetry): Buffer {
  const length = Buffer.byteLength(telemetry.name);
  if (length > 255 || telemetry.cells.length > 255) throw new RangeError('telemetry: too long');
  const bytes = Buffer.allocUnsafe(53 + length + 3 * telemetry.cells.length);
  bytes.writeDoubleLE(telemetry.time, 0);
  bytes.writeInt32LE(telemetry.latitude, 8);
  bytes.writeInt32LE(telemetry.longitude, 12);
  bytes.writeInt32LE(telemetry.altitude, 16);
  bytes.writeInt16LE(telemetry.vx, 20);
  bytes.writeInt16LE(telemetry.vy, 22);
  bytes.writeInt16LE(telemetry.vz, 24);
  bytes.writeFloatLE(telemetry.roll, 26);
  bytes.writeFloatLE(telemetry.pitch, 30);
  bytes.writeFloatLE(telemetry.yaw, 34);
  bytes.writeUInt8(telemetry.battery, 38);
  bytes.writeUInt16LE(telemetry.voltage, 39);
  bytes.writeInt32LE(telemetry.current, 41);
  bytes.writeUInt8(telemetry.fix, 45);
  bytes.writeUInt8(telemetry.satellites, 46);
  bytes.writeUInt16LE(telemetry.hdop, 47);
  bytes.writeUInt8(telemetry.mode, 49);
  bytes[50] = telemetry.armed ? 1 : 0;
  bytes[51] = length;
  bytes.write(telemetry.name, 52);
  let at = 52 + length;
  bytes[at++] = telemetry.cells.length;
  for (const cell of telemetry.cells) {
    bytes.writeUInt16LE(cell.millivolts, at);
    bytes.writeInt8(cell.celsius, at + 2);
    at += 3;
  }
  return bytes;
}
