/**
 * `tsx bench/capture-writer.ts write|read FILE BYTES`: writes a capture file of about so many bytes, or reads it to its end; prints `SECONDS
 * OF CPU, KIB RESIDENT`.
 */
import { pipeline } from 'node:stream/promises';
import { type CaptureEvent, readCapture, writeCapture } from 'wirepipe/captures';

const [how = '', file = '', size = ''] = process.argv.slice(2);
const CHUNK = Buffer.alloc(1_460, 7);
/** The line of such a chunk: four characters for three bytes, and what stands around them. */
const LINE = 4 * Math.ceil(CHUNK.length / 3) + 76;

function* events(): Generator<CaptureEvent> {
  yield { event: 'open', time: 0, connection: 0 };
  for (let i = 0; i * LINE < Number(size); i++) {
    yield {
      event: 'data',
      time: i / 1_000,
      connection: 0,
      from: i % 2 === 0 ? 'client' : 'server',
      bytes: CHUNK,
    };
  }
  yield { event: 'close', time: Number(size) / LINE / 1_000, connection: 0 };
}

const before = process.cpuUsage();
if (how === 'write') {
  await pipeline(events, writeCapture(file));
} else {
  let length = 0;
  let last = '';
  for await (const event of readCapture(file)) {
    if (event.event === 'data') length += event.bytes.length;
    last = event.event;
  }
  if (last !== 'close' || length === 0) throw new Error(`the capture ends with '${last}'`);
}
const { user, system } = process.cpuUsage(before);
console.log(`${(user + system) / 1e6} ${process.resourceUsage().maxRSS}`);
