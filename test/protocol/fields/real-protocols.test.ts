import { describe, expect, expectTypeOf, it } from 'vitest';
import * as w from '../../../src/index.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { hex } from '../../support/hex.ts';

// biome-ignore lint/suspicious/noExplicitAny: any codec
function both(codec: w.DeclaredCodec<any>, bytes: Buffer, message: unknown): void {
  expect(codec.decode(bytes)).toStrictEqual(message);
  expect(codec.encode(message)).toEqual(bytes);
  expect(encodeByWalking(codec.declaration, message)).toEqual(bytes);
}

describe('declarations of real protocols', () => {
  it('Modbus RTU: data before its checksum', () => {
    const reply = w.codecOf(
      w.struct({
        address: w.u8,
        code: w.u8,
        data: w.bytes(w.rest),
        crc: w.checksum(w.u16le, 'CRC-16/MODBUS'),
      }),
    );
    // address 17, function 3, four bytes of two registers, CRC-16/MODBUS
    const data = hex('04 00 0a 01 02');
    const bytes = reply.encode({ address: 0x11, code: 3, data });
    both(reply, bytes, { address: 0x11, code: 3, data, crc: bytes.readUInt16LE(7) });
    expect(() => reply.decode(hex('11 03'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_SHORT', path: 'crc' }),
    );
  });

  it('IEC 60870-5-101 §7.2.2: the count is seven bits of an octet', () => {
    const objects = w.codecOf(
      w.struct({ vsq: w.bits(w.u8, { sq: 1, count: 7 }), points: w.array(w.u8, 'vsq.count') }),
    );
    both(objects, hex('83 0a 0b 0c'), { vsq: { sq: 1, count: 3 }, points: [10, 11, 12] });
    expect(objects.encode({ vsq: { sq: 1 }, points: [10, 11, 12] })).toEqual(hex('83 0a 0b 0c'));
    expect(() => objects.encode({ vsq: { sq: 0 }, points: Array(128).fill(1) })).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_TOO_LONG', limit: 127, path: 'points' }),
    );
  });

  it('IEC 60870-5-104: the low bits of the first control octet tell the kind of frame', () => {
    const frames = w.messages(
      'control.kind',
      { s: w.message(1, { receive: w.u16le }), u: w.message(3, { zeros: w.u16le }) },
      { header: { control: w.bits(w.u16le, { high: 14, kind: 2 }) } },
    );
    both(frames, hex('01 00 0c 00'), { type: 's', control: { high: 0, kind: 1 }, receive: 12 });
    expect(frames.encode({ type: 'u', control: { high: 1 }, zeros: 0 })).toEqual(hex('07 00 00 00'));
  });

  it('MQTT 3.1.1: four bits tell the packet, the other four are its flags', () => {
    const packets = w.codecOf(
      w.struct({
        first: w.bits(w.u8, { kind: 4, dup: 1, qos: 2, retain: 1 }),
        body: w.bounded(
          w.varuint,
          w.union('first.kind', {
            publish: w.message(3, { topic: w.utf8(w.u16be), data: w.bytes(w.rest) }),
            puback: w.message(4, { id: w.u16be }),
          }),
        ),
      }),
    );
    const publish = { type: 'publish' as const, topic: 'a', data: hex('ff 00') };
    // a retained PUBLISH, and one that is sent again, at QoS 2
    both(packets, hex('31 05 0001 61 ff00'), {
      first: { kind: 3, dup: 0, qos: 0, retain: 1 },
      body: publish,
    });
    both(packets, hex('3d 05 0001 61 ff00'), {
      first: { kind: 3, dup: 1, qos: 2, retain: 1 },
      body: publish,
    });
    const first = { dup: 0, qos: 0, retain: 0 };
    expect(packets.encode({ first, body: { type: 'puback', id: 7 } })).toEqual(hex('40 02 0007'));
  });

  it('messages that nobody has declared are kept, and encode to the same bytes', () => {
    const codec = w.messages(
      w.u8,
      { a: w.message(1, { v: w.u8 }), fault: w.message([0x81, 0x82], { why: w.u8 }) },
      { otherwise: 'unknown' },
    );
    both(codec, hex('9f 0b 0c'), { type: 'unknown', tag: 0x9f, payload: hex('0b 0c') });
    both(codec, hex('82 02'), { type: 'fault', tag: 0x82, why: 2 });
    expect(codec.types).toEqual(['a', 'fault', 'unknown']);
    expectTypeOf<Extract<w.Infer<typeof codec>, { type: 'fault' }>>().toEqualTypeOf<{
      type: 'fault';
      tag: 0x81 | 0x82;
      why: number;
    }>();
  });

  it('SMPP 3.4 §4.4.2: the body of an error reply may be left out', () => {
    const replies = w.messages(w.u32be, {
      submitResp: w.message(0x80000004, {
        status: w.u32be,
        seq: w.u32be,
        id: w.optional(w.cstring(65), w.rest),
      }),
    });
    both(replies, hex('80000004 00000058 00000001'), {
      type: 'submitResp',
      status: 0x58,
      seq: 1,
      id: undefined,
    });
    both(replies, hex('80000004 00000000 00000001 3700'), { type: 'submitResp', status: 0, seq: 1, id: '7' });
  });

  it('a header is declared once, and says the kind and the length of the body', () => {
    const header = w.struct({ magic: w.constant(w.u16be, 0xcafe), kind: w.u8, length: w.u16be });
    const codec = w.codecOf(
      w.struct({
        header,
        body: w.bounded(
          'header.length',
          w.union('header.kind', { a: w.message(1, { v: w.u8 }), b: w.message(2, { w: w.u16be }) }),
        ),
      }),
    );
    both(codec, hex('cafe 02 0002 0102'), { header: { kind: 2, length: 2 }, body: { type: 'b', w: 0x102 } });
    expect(codec.encode({ body: { type: 'a', v: 7 } })).toEqual(hex('cafe 01 0001 07'));
    expect(() => codec.decode(hex('cafe 02 0003 0102'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_SHORT', path: 'body' }),
    );
  });

  it('TDS: a length counts the header that it stands in', () => {
    const packet = w.codecOf(
      w.struct({
        type: w.u8,
        status: w.u8,
        length: w.u16be,
        spid: w.u16be,
        id: w.u8,
        window: w.u8,
        data: w.bytes(w.size('length', { add: -8 })),
      }),
    );
    both(packet, hex('04 01 000a 0000 01 00 aabb'), {
      ...{ type: 4, status: 1, length: 10, spid: 0, id: 1, window: 0 },
      data: hex('aabb'),
    });
    expect(() => packet.decode(hex('04 01 0007 0000 01 00'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_VALUE', path: 'data', offset: 8 }),
    );
  });
});
