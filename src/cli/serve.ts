import cluster from 'node:cluster';
import { once } from 'node:events';
import { safeText } from '../bytes/show.ts';
import { droneProtocol } from '../drone/protocol.ts';
import { SimulatedDrone } from '../drone/simulation.ts';
import { createServer } from '../net/server.ts';
import { onLeave, Workers } from '../net/workers.ts';
import { type Place, type PlaceOptions, placeOf, showPlace, withPlace } from './place.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

/** How a signal ends the server: connections are asked to end over one second, and destroyed after ten. */
const GOODBYE = { spread: 1_000, deadline: 10_000 };

/** `serve`: keep serving a simulated drone until a signal ends it. */
export const serve: Verb = (program) => {
  withPlace(program.command('serve').description('serve a simulated drone until SIGINT or SIGTERM'))
    .option(
      '--workers <number>',
      'the number of worker processes; SIGHUP replaces them without losing a connection',
      countOf,
    )
    .addHelpText(
      'after',
      examples(
        'wirepipe serve                      # any free port',
        'wirepipe serve --socket /tmp/drone.sock',
        'wirepipe serve --port 4000 --workers 4',
      ),
    )
    .action(run);
};

async function run(options: PlaceOptions & { workers?: number }): Promise<void> {
  const place = placeOf(options) ?? { port: 0, host: options.host ?? '127.0.0.1' };
  if (options.workers !== undefined && cluster.isPrimary) await supervise(options.workers, place);
  else await serveDrone(place);
}

/** Keep that many workers running; each runs this command too. */
async function supervise(count: number, place: Place): Promise<void> {
  const told = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const bind = once(cluster, 'listening');
  const workers = new Workers({
    count,
    onDeath: (pid, reason) => console.log(`worker ${pid} died (${reason}), and is replaced`),
  });
  process.on('SIGHUP', () => {
    void workers.replace().then(() => console.log(`replaced: workers ${workers.pids.join(', ')}`));
  });
  const [, { port }] = await bind;
  await workers.listening;
  const bound = 'port' in place ? { ...place, port } : place;
  console.log(`serving on ${showPlace(bound)}, workers ${workers.pids.join(', ')}`);
  await told;
  await workers.close();
  // A connection that no worker accepted in time would keep the process alive.
  process.exit();
}

async function serveDrone(place: Place): Promise<void> {
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
  if (cluster.isWorker) {
    onLeave(() => server.close(GOODBYE));
    await server.listen(place);
    return;
  }
  const told = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.listen(place);
  console.log(`serving on ${showPlace(bound(place, server.address()))}`);

  await told;
  await server.close(GOODBYE);
}

/** The place, with the assigned port in place of port 0. */
function bound(place: Place, address: ReturnType<ReturnType<typeof createServer>['address']>): Place {
  return 'port' in place && address !== null && typeof address === 'object'
    ? { ...place, port: address.port }
    : place;
}

function countOf(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text))
    throw new UsageError(`--workers wants a number from 1 to 999, got '${text}'`);
  return Number(text);
}
