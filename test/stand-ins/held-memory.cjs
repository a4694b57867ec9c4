// Feeds a parser of MQTT the beginning of a packet of 256 MB, a byte at a time; prints how many bytes of memory that costs.
const mqtt = require('mqtt-packet');

const BYTES = 1_000_000;
const parser = mqtt.parser();
parser.on('error', (error) => console.log(error.message));

function used() {
  global.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

parser.parse(Buffer.from('30ffffff7f000174', 'hex'));
const before = used();
for (let i = 0; i < BYTES; i++) parser.parse(Buffer.alloc(1));
const held = used() - before;
parser.parse(Buffer.alloc(1));
console.log(JSON.stringify({ received: BYTES, held }));
