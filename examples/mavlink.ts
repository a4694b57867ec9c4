/**
 * MAVLink 2 frames, the protocol of real drones: HEARTBEAT and COMMAND_LONG. `npx tsx examples/mavlink.ts`
 *
 *     fd · len · incompat · compat · seq · sysid · compid · msgid u24 · payload · CRC-16/MCRF4XX
 *
 * The CRC covers `len` to the payload's end, then CRC_EXTRA, a byte from each message's definition. Trailing zeros of a
 * payload are not sent (mavlink.io/en/guide/serialization.html). Unsigned frames only.
 */
import * as w from 'wirepipe';

const header = {
  magic: w.constant(w.u8, 0xfd),
  length: w.u8,
  incompatible: w.flags(w.u8, { signed: 0 }),
  compatible: w.u8,
  sequence: w.u8,
  system: w.u8,
  component: w.u8,
};

export const mavlink = w.messages(
  w.u24le,
  {
    heartbeat: w.message(0, {
      ...payload({
        customMode: w.u32le,
        vehicle: w.u8,
        autopilot: w.u8,
        baseMode: w.u8,
        status: w.u8,
        version: w.u8,
      }),
      crc: crc(50),
    }),
    // On the wire the widest fields come first, whatever their order in the definition.
    commandLong: w.message(76, {
      ...payload({
        parameters: w.array(w.f32le, 7),
        command: w.u16le,
        targetSystem: w.u8,
        targetComponent: w.u8,
        confirmation: w.u8,
      }),
      crc: crc(152),
    }),
  },
  { header },
);

function crc(extra: number) {
  return w.checksum(w.u16le, 'CRC-16/MCRF4XX', { from: 'length', to: 'payload', append: [extra] });
}

/** A payload without the zeros at its end; its first byte always stays. */
function payload<F extends w.Fields>(fields: F) {
  // Generic over the fields: the cast tells the compiler that no field refers to a field outside.
  const whole = w.codecOf(w.struct(fields) as w.Field<w.StructOut<F>, w.StructIn<F>>);
  type Payload = w.Infer<typeof whole>;
  const size = whole.bound({} as never);
  const trimmed = w.custom<Payload>({
    name: 'MAVLink payload',
    read(cursor) {
      const length = cursor.end - cursor.at;
      const bytes = Buffer.alloc(Math.max(size, length));
      cursor.bytes.copy(bytes, 0, cursor.take(length), cursor.end);
      return whole.decode(bytes.subarray(0, size));
    },
    write(cursor, value) {
      const bytes = whole.encode(value as never);
      let length = bytes.length;
      while (length > 1 && bytes[length - 1] === 0) length--;
      cursor.target.set(bytes.subarray(0, length), cursor.at);
      cursor.at += length;
    },
    size: () => size,
  });
  return { payload: w.bounded('length', trimmed) };
}

// A heartbeat as a Pixhawk sent it over USB: system 1, component 1, a quadrotor (2) on ArduPilot (3).
const frame = Buffer.from('fd090000ef01010000000000000002035103037389', 'hex');
const heartbeat = mavlink.decode(frame);
console.log(heartbeat);
console.log(Buffer.from(mavlink.encode(heartbeat)).equals(frame) ? 'the same bytes again' : 'other bytes');

// MAV_CMD_NAV_TAKEOFF (22) to 10 metres.
const takeoff = mavlink.encode({
  type: 'commandLong',
  incompatible: { signed: false },
  compatible: 0,
  sequence: 1,
  system: 255,
  component: 190,
  payload: {
    parameters: [0, 0, 0, 0, 0, 0, 10],
    command: 22,
    targetSystem: 1,
    targetComponent: 1,
    confirmation: 0,
  },
});
console.log(Buffer.from(takeoff).toString('hex'));

frame[13] = 0xff;
try {
  mavlink.decode(frame);
} catch (error) {
  console.log(String(error));
}
