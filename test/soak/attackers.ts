/** Attackers in a process of their own: `attackers.ts KIND PORT COUNT`. They say 'ready' once they are all at it. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { echo, frame, LOGIN } from '../support/echo.ts';

const [kind, port, count] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const LONG = frame(2, Buffer.alloc(900_000));
/** A hundred small requests. */
const MANY = Buffer.concat(Array<Buffer>(100).fill(echo('flood')));

async function open(): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** What each kind of attacker does, over and over. */
const ATTACKS: Record<string, (socket: net.Socket) => void> = {
  silent: () => {},
  'half a frame': (socket) => socket.write(Buffer.concat([LOGIN, LONG.subarray(0, -1)])),
  'reads nothing': (socket) => {
    socket.pause();
    // Each `many` asks for 64 KiB.
    socket.write(Buffer.concat([LOGIN, ...Array<Buffer>(200).fill(frame(4, Buffer.from([64])))]));
  },
  'a byte a second': (socket) => {
    socket.write(LOGIN);
    let at = 0;
    setInterval(() => socket.write(LONG.subarray(at, ++at)), 1_000);
  },
  'half open': (socket) => socket.end(Buffer.concat([LOGIN, LONG.subarray(0, 100)])),
  'flood of messages': (socket) => {
    socket.resume().write(LOGIN);
    const go = (): void => {
      while (socket.write(MANY));
      socket.once('drain', go);
    };
    go();
  },
  'flood of noise': (socket) => {
    socket.resume().write(frame(99));
    socket.once('close', () => void again());
  },
  'flood of resets': (socket) => {
    socket.write(LOGIN.subarray(0, 3), () => socket.resetAndDestroy());
    socket.once('close', () => void again());
  },
};

async function again(): Promise<void> {
  // Five hundred a second, all together: the machine also runs what is measured.
  await setTimeout(2 * count);
  await open().then(ATTACKS[kind]!, again);
}

process.on('disconnect', () => process.exit());
for (let i = 0; i < count; i++) ATTACKS[kind]!(await open());
process.send!('ready');
