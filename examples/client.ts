/** A controller. `npx tsx examples/client.ts PORT` */
import { connect } from 'wirepipe';
import { drone } from 'wirepipe/drone';

const client = await connect(drone, { port: Number(process.argv[2]), host: '127.0.0.1' });
client.send({ type: 'write', text: 'HELLO' });
client.send({ type: 'move', x: 10, y: 20 });
client.send({ type: 'changeColor', r: 0, g: 255, b: 0 });
client.send({ type: 'quit' });
client.end();
for await (const answer of client) console.log(answer.type, answer.text);
