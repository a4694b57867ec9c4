// `wirepipe/drone`: the drone protocol, as a whole (`drone`) and in parts.
export { type ClientMessage, clientMessages, type ServerMessage, serverMessages } from './messages.ts';
export { type DroneProtocol, drone, droneProtocol } from './protocol.ts';
export {
  type DroneContext,
  type DroneOptions,
  type DroneSession,
  type DroneState,
  droneSession,
  session,
} from './session.ts';
export { SimulatedDrone } from './simulation.ts';
