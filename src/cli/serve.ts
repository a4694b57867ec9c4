import { once } from 'node:events';
import { safeText } from '../bytes/show.ts';
import { droneProtocol } from '../drone/protocol.ts';
import { SimulatedDrone } from '../drone/simulation.ts';
import { createServer } from '../net/server.ts';
import { type Place, parsePlace, showPlace, UsageError } from './arguments.ts';

/** `serve`: keep serving a simulated drone until told to stop by a signal. */
export async function serve(args: string[]): Promise<number> {
  const { place = { port: 0, host: '127.0.0.1' }, rest } = parsePlace(args);
  if (rest.length > 0) throw new UsageError(`serve takes no '${rest[0]}'`);

  const drone = new SimulatedDrone();
  const server = createServer(droneProtocol({ onCommand: (command) => drone.obey(command) }));
  let count = 0;
  server.on('connection', (connection) => {
    const id = ++count;
    console.log(`#${id} connected${connection.remote && ` from ${connection.remote}`}`);
    connection.socket.once('close', () => console.log(`#${id} gone; ${drone}`));
  });
  server.on('connectionEnd', (_, error) => {
    if (error) console.log(safeText(`${error.name} ${error.code}: ${error.message}`));
  });
  const told = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.listen(place);
  console.log(`serving on ${showPlace(bound(place, server.address()))}`);

  await told;
  await server.close();
  return 0;
}

/** The place with the port that port 0 became. */
function bound(place: Place, address: ReturnType<ReturnType<typeof createServer>['address']>): Place {
  return 'port' in place && address !== null && typeof address === 'object'
    ? { ...place, port: address.port }
    : place;
}
