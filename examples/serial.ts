/**
 * Serial lines, by npm serialport: Modbus RTU, and a GNSS receiver.
 *
 *     npx tsx examples/serial.ts slave /dev/ttyUSB0 [echo]   unit 1; ask it with mbpoll
 *     npx tsx examples/serial.ts master /dev/ttyUSB0 [echo]  reads and writes registers of unit 1
 *     npx tsx examples/serial.ts gnss /dev/ttyUSB0           prints what is on the line
 *
 * `echo`: on this line the sender receives its own bytes. Without hardware: socat pty,raw,echo=0,link=/tmp/a
 * pty,raw,echo=0,link=/tmp/b
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SerialPort } from 'serialport';
import { Client, defineSession, FrameDecoder, MessageDecoder, MessageEncoder, StateMachine } from 'wirepipe';
import { gnss, line } from './serial/gnss.ts';
import { framing, replies, requests } from './serial/rtu.ts';
import { withoutEcho } from './serial/without-echo.ts';

const UNIT = 1;
/** A serial line can lose bytes: a frame that stalls is dropped, so that the next frame is read in step. */
const times = { frameTimeout: 200, onTimeout: 'discard' } as const;

async function slave(port: Duplex): Promise<void> {
  const holding = Array.from({ length: 100 }, (_, i) => i * 10);
  const isThere = (address: number, count: number): boolean => address + count <= holding.length;
  const session = defineSession({
    receives: requests,
    sends: replies,
    initial: 'ready',
    states: {
      ready: {
        on: {
          readHolding({ unit, address, count }) {
            if (unit !== UNIT) return;
            if (!isThere(address, count)) {
              return { send: { type: 'failed', tag: 0x83, unit, reason: 'illegalAddress' } };
            }
            return { send: { type: 'holding', unit, registers: holding.slice(address, address + count) } };
          },
          writeRegister({ unit, address, value }) {
            if (unit !== UNIT) return;
            holding[address] = value;
            return { send: { type: 'registerWritten', unit, address, value } };
          },
          writeRegisters({ unit, address, count, values }) {
            if (unit !== UNIT) return;
            if (!isThere(address, count)) {
              return { send: { type: 'failed', tag: 0x90, unit, reason: 'illegalAddress' } };
            }
            holding.splice(address, count, ...values);
            return { send: { type: 'registersWritten', unit, address, count } };
          },
        },
        otherwise: () => {},
      },
    },
  });
  await pipeline(
    port,
    new FrameDecoder(framing.reads, times).on('discard', ({ message }) => console.log('discarded:', message)),
    new MessageDecoder(requests),
    new StateMachine(session),
    new MessageEncoder(replies, { framing: framing.writes }),
    port,
  );
}

async function master(port: Duplex): Promise<void> {
  const protocol = { framing, clientMessages: requests, serverMessages: replies };
  const client = new Client(protocol, port, {
    ...times,
    // One request at a time; after a lost request, wait until the line is silent.
    replies: { maxInFlight: 1, timeout: 2_000, afterTimeout: { silence: 100 } },
  });
  client.closed.catch(({ message }) => console.log('closed:', message));
  const ask = async (request: Parameters<typeof client.request>[0]): Promise<void> => {
    const answer = await client.request(request).catch(({ message }: Error) => message);
    console.log(answer);
  };
  await ask({ type: 'writeRegister', unit: UNIT, address: 2, value: 0xbeef });
  await ask({ type: 'writeRegisters', unit: UNIT, address: 5, count: 3, size: 6, values: [1, 2, 3] });
  await ask({ type: 'readHolding', unit: UNIT, address: 0, count: 8 });
  await ask({ type: 'readHolding', unit: UNIT, address: 99, count: 2 });
  await ask({ type: 'readHolding', unit: 9, address: 0, count: 1 });
  await ask({ type: 'readHolding', unit: UNIT, address: 2, count: 1 });
  // A serial line never ends, so exit.
  client.destroy();
}

async function listen(port: Duplex): Promise<void> {
  const frames = new FrameDecoder(line, times).on('discard', ({ message, actual }) =>
    console.log('discarded:', actual, message),
  );
  for await (const message of port.pipe(frames).pipe(new MessageDecoder(gnss))) console.log(message);
}

const commands: Record<string, (port: Duplex) => Promise<void>> = { slave, master, gnss: listen };
const [, , command = '', path = '', echo] = process.argv;
const run = commands[command];
if (run === undefined) throw new Error('usage: serial.ts slave|master|gnss DEVICE');
const port = new SerialPort({ path, baudRate: 115_200 });
await once(port, 'open');
console.log('ready');
await run(echo === 'echo' ? withoutEcho(port) : port);
