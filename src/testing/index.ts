// `wirepipe/testing`: helpers for users' own tests.
export { type Chunking, type ChunkingOptions, chunkings } from './chunkings.ts';
export { type Consumed, type Consumer, consumers } from './consumers.ts';
export { CaptureMismatch, type ExpectCaptureOptions, expectCapture } from './expect-capture.ts';
export { type Fault, FaultPlan } from './faults.ts';
export { type Recut, recuts } from './recuts.ts';
export { type ReplayDifference, type ReplayOptions, replay } from './replay.ts';
export { type ReplaySessionOptions, replaySession, type SessionReplay } from './replay-session.ts';
export {
  ScriptedPeer,
  type ScriptedPeerOptions,
  ScriptMismatch,
  type ScriptStep,
  scriptedPeer,
} from './scripted-peer.ts';
export { shrinkCapture } from './shrink-capture.ts';
export {
  type FramingVector,
  type VerifyOptions,
  verifyDecoder,
  verifyFraming,
  verifyReader,
  verifyWriter,
} from './verify-framing.ts';
export { wire } from './wire.ts';
