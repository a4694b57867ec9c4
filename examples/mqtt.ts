/**
 * Some packets of MQTT 3.1.1 (OASIS standard, 29 October 2014). `npx tsx examples/mqtt.ts`
 *
 *     packet type and flags u8 · remaining length varuint · the packet
 */
import * as w from 'wirepipe';

/** §1.5.3: two bytes of length, most significant first, and UTF-8. */
const text = w.utf8(w.u16be);
const data = w.bytes(w.u16be);

/** §2.2.3: what remains, and nothing behind it. */
function packet<F extends w.Fields>(fields: F) {
  return { packet: w.bounded(w.varuint, w.struct(fields)) };
}

export const mqtt = w.messages(w.u8, {
  connect: w.message(
    0x10,
    packet({
      protocol: w.constant(text, 'MQTT'),
      level: w.constant(w.u8, 4),
      flags: w.bits(w.u8, {
        userName: 1,
        password: 1,
        willRetain: 1,
        willQos: 2,
        will: 1,
        cleanSession: 1,
        reserved: 1,
      }),
      keepAlive: w.u16be,
      clientId: text,
      willTopic: w.optional(text, w.when('flags.will', 1)),
      willMessage: w.optional(data, w.when('flags.will', 1)),
      userName: w.optional(text, w.when('flags.userName', 1)),
      password: w.optional(data, w.when('flags.password', 1)),
    }),
  ),
  connack: w.message(0x20, packet({ flags: w.flags(w.u8, { sessionPresent: 0 }), returnCode: w.u8 })),
  publish: w.message(0x30, packet({ topic: text, payload: w.bytes(w.rest) })),
  publishAtLeastOnce: w.message(0x32, packet({ topic: text, id: w.u16be, payload: w.bytes(w.rest) })),
  puback: w.message(0x40, packet({ id: w.u16be })),
  subscribe: w.message(
    0x82,
    packet({ id: w.u16be, topics: w.array(w.struct({ filter: text, qos: w.u8 }), w.rest) }),
  ),
  pingreq: w.message(0xc0, packet({})),
  disconnect: w.message(0xe0, packet({})),
});

const subscribe = mqtt.encode({
  type: 'subscribe',
  packet: {
    id: 10,
    topics: [
      { filter: 'a/b', qos: 1 },
      { filter: 'c/d', qos: 2 },
    ],
  },
});
console.log(Buffer.from(subscribe).toString('hex'));
console.dir(mqtt.decode(Buffer.from(subscribe)), { depth: null });
