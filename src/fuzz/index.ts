// Fuzzing servers by their declaration: `wirepipe/fuzz`.
export { ATTACK_KINDS, type AttackKind } from '../tools/fuzz/attacks.ts';
export type { Finding, FindingKind } from '../tools/fuzz/finding.ts';
export type { JudgedProtocol } from '../tools/fuzz/judge.ts';
export type { InProcessFailure, InProcessReport } from './coverage-guided.ts';
export { type FailingTestOptions, failingTest } from './failing-test.ts';
export {
  type Failure,
  type FuzzOptions,
  type FuzzReport,
  fuzz,
} from './fuzz.ts';
export { fuzzInProcess, type InProcessOptions } from './in-process.ts';
export type { JudgingOptions } from './judging.ts';
export type { GoodMessages, MessageContext } from './messages.ts';
export { replayAttack } from './replay-attack.ts';
