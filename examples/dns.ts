/**
 * DNS messages over TCP, each after its u16 length (RFC 1035 §4.1 and §4.2.2). `npx tsx examples/dns.ts`
 *
 * A name may end in a pointer to an earlier name (§4.1.4). A custom field reads such names, and writes names without
 * pointers.
 */
import * as w from 'wirepipe';

const name = w.custom<string>({
  name: 'domain name',
  minSize: 1,
  read(cursor) {
    const labels: string[] = [];
    let pointed: number | undefined;
    let lowest = cursor.at;
    while (true) {
      const length = cursor.bytes[cursor.take(1)]!;
      if (length === 0) break;
      if (length >= 0xc0) {
        const low = cursor.bytes[cursor.take(1)]!;
        const target = cursor.start + (((length & 0x3f) << 8) | low);
        // A pointer must point backwards, so the chain ends.
        if (target >= lowest) cursor.fail('a pointer to an earlier name', target - cursor.start);
        pointed ??= cursor.at;
        cursor.at = lowest = target;
      } else if (length > 63) cursor.fail('a label of at most 63 bytes', length);
      else {
        const at = cursor.take(length);
        labels.push(cursor.bytes.toString('latin1', at, at + length));
      }
    }
    cursor.at = pointed ?? cursor.at;
    return labels.join('.');
  },
  write(cursor, value) {
    for (const label of value === '' ? [] : value.split('.')) {
      if (label.length === 0 || label.length > 63) cursor.fail('labels of 1 to 63 bytes', value);
      cursor.target[cursor.at++] = label.length;
      cursor.at += cursor.target.write(label, cursor.at, 'latin1');
    }
    cursor.target[cursor.at++] = 0;
  },
  size: (value) => value.length + 2,
});

const question = w.struct({ name, type: w.u16be, class: w.u16be });
const record = w.struct({
  name,
  type: w.enumeration(w.u16be, { A: 1, NS: 2, CNAME: 5, MX: 15, TXT: 16, AAAA: 28 }, { unknown: 'keep' }),
  class: w.u16be,
  ttl: w.u32be,
  data: w.bytes(w.u16be),
});

export const dns = w.codecOf(
  w.struct({
    id: w.u16be,
    header: w.bits(w.u16be, { qr: 1, opcode: 4, aa: 1, tc: 1, rd: 1, ra: 1, z: 3, rcode: 4 }),
    questionCount: w.u16be,
    answerCount: w.u16be,
    authorityCount: w.u16be,
    additionalCount: w.u16be,
    questions: w.array(question, 'questionCount'),
    answers: w.array(record, 'answerCount'),
    authorities: w.array(record, 'authorityCount'),
    additionals: w.array(record, 'additionalCount'),
  }),
);

const query = dns.encode({
  id: 0x1234,
  header: { qr: 0, opcode: 0, aa: 0, tc: 0, rd: 1, ra: 0, z: 0, rcode: 0 },
  questions: [{ name: 'F.ISI.ARPA', type: 1, class: 1 }],
  answers: [],
  authorities: [],
  additionals: [],
});
console.log(Buffer.from(query).toString('hex'));

// The answer names the question's name by a pointer to byte 12.
const answer = Buffer.concat([
  Buffer.from('123481800001000100000000', 'hex'),
  Buffer.from(query).subarray(12),
  Buffer.from('c00c00010001000000780004', 'hex'),
  Buffer.from([10, 0, 0, 52]),
]);
console.log(dns.decode(answer).answers);
