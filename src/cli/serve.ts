import { once } from 'node:events';
import { safeText } from '../bytes/show.ts';
import { droneProtocol } from '../drone/protocol.ts';
import { SimulatedDrone } from '../drone/simulation.ts';
import { createServer } from '../net/server.ts';
import { type Place, type PlaceOptions, placeOf, showPlace, withPlace } from './place.ts';
import { examples, type Verb } from './verb.ts';

/** `serve`: keep serving a simulated drone until a signal ends it. */
export const serve: Verb = (program) => {
  withPlace(program.command('serve').description('keep serving a simulated drone, until SIGINT or SIGTERM'))
    .addHelpText(
      'after',
      examples(
        'wirepipe serve                      # any free port',
        'wirepipe serve --socket /tmp/drone.sock',
      ),
    )
    .action(run);
};

async function run(options: PlaceOptions): Promise<void> {
  const place = placeOf(options) ?? { port: 0, host: options.host ?? '127.0.0.1' };
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
}

/** The place with the port that port 0 became. */
function bound(place: Place, address: ReturnType<ReturnType<typeof createServer>['address']>): Place {
  return 'port' in place && address !== null && typeof address === 'object'
    ? { ...place, port: address.port }
    : place;
}
