/** Serial lines for real: pseudo-terminals of socat, npm serialport, mbpoll (libmodbus), npm modbus-serial. */
import { once } from 'node:events';
import { SerialPort } from 'serialport';
import { describe, expect, test } from 'vitest';
import { hex } from '../support/hex.ts';
import { later } from '../support/net.ts';
import { isThere } from '../support/programs.ts';
import { example, lineOf, run, start } from '../support/run.ts';
import { serialBus, serialLine } from '../support/serial-lines.ts';

const hasSocat = isThere('socat');
const hasMbpoll = isThere('mbpoll');
/** A program and a compiler start on a busy machine. */
const LONG = { timeout: 120_000 };

/** An example that has opened its line; what it prints. */
async function running(
  ...args: string[]
): Promise<{ text(): string; says(pattern: RegExp): Promise<unknown> }> {
  const child = start(example('serial', ...args));
  later(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  await lineOf(child, /ready/);
  return {
    text: () => text,
    async says(pattern) {
      while (!pattern.test(text)) await once(child.stdout, 'data');
    },
  };
}

async function opened(path: string): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 115_200 });
  later(() => port.isOpen && port.close());
  await once(port, 'open');
  return port;
}

/** What mbpoll reads or writes: registers from 3, in the notation that counts from 1. */
async function mbpoll(device: string, ...more: string[]): Promise<string> {
  const line = ['-m', 'rtu', '-b', '115200', '-P', 'none', '-a', '1', '-o', '10', '-t', '4'];
  const { stdout, stderr } = await run([
    'mbpoll',
    ...line,
    ...more.slice(0, -1),
    device,
    ...more.slice(-1).filter(Boolean),
  ]);
  return stdout + stderr;
}

describe.skipIf(!hasSocat)('Modbus RTU', () => {
  test.skipIf(!hasMbpoll)(
    'mbpoll reads and writes our registers, noise on the line or not',
    LONG,
    async () => {
      const [ours, theirs] = await serialLine();
      const slave = await running('slave', ours);
      expect(await mbpoll(theirs, '-1', '-r', '3', '-c', '4', '')).toMatch(
        /\[3\]:\s+20\s+\[4\]:\s+30\s+\[5\]:\s+40\s+\[6\]:\s+50/,
      );
      expect(await mbpoll(theirs, '-r', '3', '4711')).toContain('Written 1 references');
      // The beginning of a request, whose rest never comes; then bytes that are none.
      const port = await opened(theirs);
      port.write(hex('01 03 00'));
      await slave.says(/discarded: a frame took longer/);
      port.write(hex('ff fe 01 03 00 00 00 01 00 00 fd'));
      await new Promise<void>((drained) => port.drain(() => drained()));
      await slave.says(/discarded: .* outside a frame/);
      await new Promise<void>((closed) => port.close(() => closed()));
      expect(await mbpoll(theirs, '-1', '-r', '3', '-c', '2', '')).toMatch(/\[3\]:\s+4711\s+\[4\]:\s+30/);
      expect(await mbpoll(theirs, '-1', '-r', '100', '-c', '2', '')).toContain('Illegal data address');
    },
  );

  test('a master queries our slave over a bus, and both remove their echo', LONG, async () => {
    const [ours, theirs] = await serialBus(2);
    await running('slave', theirs!, 'echo');
    const { stdout, stderr, status } = await run(example('serial', 'master', ours!, 'echo'));
    expect(stderr).toBe('');
    expect(stdout.replace(/\s+/g, ' ')).toBe(
      [
        'ready',
        "{ type: 'registerWritten', unit: 1, address: 2, value: 48879, crc: 9752 }",
        "{ type: 'registersWritten', unit: 1, address: 5, count: 3, crc: 2448 }",
        "{ type: 'holding', unit: 1, registers: [ 0, 10, 48879, 30, 40, 1, 2, 3 ], crc: 52933 }",
        "{ type: 'failed', tag: 131, unit: 1, reason: 'illegalAddress', crc: 61888 }",
        "no reply to 'readHolding' within 2000 ms",
        "{ type: 'holding', unit: 1, registers: [ 48879 ], crc: 26760 } ",
      ].join(' '),
    );
    expect(status).toBe(0);
  });
});

describe.skipIf(!hasSocat)('a GNSS receiver', () => {
  test('sentences and packets are distinguished, and noise costs none of them', LONG, async () => {
    const [ours, theirs] = await serialLine();
    const receiver = await running('gnss', ours);
    const port = await opened(theirs);
    // IEC 61162-1's own example of a sum, without its position; ACK-ACK of CFG-MSG; NAV-POSLLH.
    const sentence = Buffer.from('$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n');
    const acknowledged = hex('b5 62 05 01 02 00 06 01 0f 38');
    const fields = '10 27 00 00 80 96 98 00 00 2d 31 01 d0 07 00 00 e8 03 00 00 64 00 00 00 c8 00 00 00';
    const position = hex(`b5 62 01 02 1c 00 ${fields} 51 91`);
    for (const piece of [
      hex('ff 00 b5 62 05 01 ff 7f'),
      sentence,
      hex('24 47 50'),
      position,
      acknowledged,
      Buffer.from('$GPGLL,5057.970,N,00146.110,E,142451,A*28\r\n'),
      sentence,
    ]) {
      port.write(piece);
      await new Promise<void>((drained) => port.drain(() => drained()));
    }
    await receiver.says(/142451.*position.*acknowledged.*142451/s);
    const text = receiver.text().replace(/\s+/g, ' ');
    expect(text.match(/GPGLL,5057\.970,N,00146\.110,E,142451,A'/g)).toHaveLength(2);
    expect(text).toContain("type: 'acknowledged', what: { class: 6, id: 1 }");
    expect(text).toMatch(/longitude: 10000000, latitude: 20000000, height: 2000, altitude: 1000/);
    expect(text).toContain('discarded:');
  });
});
