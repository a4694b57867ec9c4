import * as compositions from './compositions.ts';
import * as declarations from './declarations.ts';
import * as framings from './framings.ts';
import * as grammars from './grammars.ts';
import * as requests from './requests.ts';
import * as sessions from './sessions.ts';
import type { Target } from './target.ts';

/** Everything that is attacked. */
export const targets: readonly Target[] = [
  framings.reading,
  framings.writing,
  declarations.decoding,
  declarations.encoding,
  grammars.recursing,
  compositions.composing,
  sessions.faulting,
  requests.requesting,
];
