// Many gateways, one fleet: `wirepipe/fleet`, over NATS with JetStream.

export type { FollowedConnection } from '../net/server-fleet.ts';
export type { BroadcastOptions, BroadcastResult } from './broadcast.ts';
export {
  type CommandOptions,
  connectFleet,
  Fleet,
  type FleetProtocol,
  type Stored,
} from './commander.ts';
export type { CommandId } from './device-queue.ts';
export { type FleetOptions, fleet, Gateway, type GatewayStatistics } from './gateway.ts';
export type { LinkOptions } from './link.ts';
export { type DevicePresence, Presence, type PresenceChange } from './presence.ts';
export { type Telemetry, type TelemetryOptions, TelemetryStream } from './telemetry-stream.ts';
