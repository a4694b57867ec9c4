export { type ClientMessage, clientMessages, type ServerMessage, serverMessages } from './messages.ts';
export { type DroneOptions, drone, droneProtocol } from './protocol.ts';
export { droneSession, session } from './session.ts';
export { SimulatedDrone } from './simulation.ts';
