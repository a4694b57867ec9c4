import { framed } from '../../protocol/framing/framed.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import type { SessionTable } from '../../protocol/session/table.ts';
import { frameMisses } from './frame-misses.ts';
import type { JudgedProtocol } from './judge.ts';
import type { NearMiss } from './near-miss.ts';
import { payloadMisses } from './payload-misses.ts';
import { routeOut, routesFrom, stayingTypes } from './routes.ts';

/** What is done to a server once good messages have led it to a state. */
export interface Attack {
  readonly kind: AttackKind;
  readonly state: string;
  /** In words. */
  readonly what: string;
  readonly steps: readonly Step[];
}

/**
 * - `values`: good messages whose fields are at their boundaries;
 * - `fields`: payloads that are not messages, in good frames;
 * - `frames`: frames with wrong lengths, delimiters or checksums;
 * - `order`: messages in any order, repeated, and including those that the state refuses;
 * - `splits`: good messages cut at every place, byte by byte, and several in one write;
 * - `behind`: messages after the one that ends the session;
 * - `halves`: our side half-closes at any place, also inside a frame;
 * - `resets`: the connection is reset at any place;
 * - `bytes`: random changes of random messages;
 * - `floods`: many messages, whose answers are not read until all are sent.
 */
export type AttackKind = (typeof ATTACK_KINDS)[number];
export const ATTACK_KINDS = [
  'values',
  'fields',
  'frames',
  'order',
  'splits',
  'behind',
  'halves',
  'resets',
  'bytes',
  'floods',
] as const;

export type Step =
  | { readonly do: 'send'; readonly bytes: Buffer }
  /** Wait until no answer is outstanding. */
  | { readonly do: 'settle' }
  /** Half-close our side, or reset the connection. */
  | { readonly do: 'end' | 'reset' }
  /** Send these bytes again and again without reading. */
  | { readonly do: 'flood'; readonly bytes: Buffer };

/** The material that attacks are made from. */
export interface Arsenal {
  readonly protocol: JudgedProtocol;
  readonly framing: Framing;
  readonly table: SessionTable;
  /** Numbers from 0 to 1. */
  readonly random: () => number;
  /** The payload of a good message of that type in that state; undefined if none is known. */
  payload(type: string, state: string): Buffer | undefined;
}

/** How often each kind of attack has its turn, relative to the others. */
const TURNS: Readonly<Record<AttackKind, number>> = {
  values: 2,
  fields: 4,
  frames: 3,
  order: 1,
  splits: 3,
  behind: 1,
  halves: 1,
  resets: 1,
  bytes: 1,
  floods: 1,
};
/** One flood in this many rounds, since a flood takes long. */
const ROUNDS_A_FLOOD = 40;

/** The next attack: the state to attack, and a function that makes the attack once the connection has reached it. */
export interface Turn {
  readonly kind: AttackKind;
  readonly state: string;
  make(): Attack | undefined;
}

/**
 * An endless sequence of attacks, in an order that depends only on the seed: kind after kind, state after state. Each kind tries
 * everything it knows in a state before it starts again with other messages.
 *
 * @param states - the states to attack; final states are left out, since nothing is read in them
 */
export function* attacks(
  arsenal: Arsenal,
  states: readonly string[],
  kinds: readonly AttackKind[] = ATTACK_KINDS,
): Generator<Turn, never, undefined> {
  const open = states.filter((name) => !arsenal.table.states.get(name)!.final);
  const plans = kinds.flatMap((kind) =>
    open.map((state) => ({ kind, state, attacks: MAKERS[kind](arsenal, state) })),
  );
  for (let round = 0; ; round++) {
    for (const { kind, state, attacks } of plans) {
      if (kind === 'floods' && kinds.length > 1 && round % ROUNDS_A_FLOOD !== 10) continue;
      for (let turn = 0; turn < TURNS[kind]; turn++) {
        yield { kind, state, make: () => named(kind, state, attacks.next().value ?? undefined) };
      }
    }
  }
}

type Made = readonly [what: string, ...steps: Step[]];

function named(kind: AttackKind, state: string, made: Made | undefined): Attack | undefined {
  if (made === undefined) return undefined;
  const [what, ...steps] = made;
  return { kind, state, what, steps };
}

const SETTLE: Step = { do: 'settle' };
const END: Step = { do: 'end' };
const RESET: Step = { do: 'reset' };
const send = (bytes: Buffer): Step => ({ do: 'send', bytes });

/** Endless attacks of one kind; undefined if there is nothing to attack with. */
type Maker = (arsenal: Arsenal, state: string) => Iterator<Made | undefined, undefined, undefined>;

const MAKERS: Readonly<Record<AttackKind, Maker>> = {
  *values(arsenal, state) {
    for (;;) {
      const good = missesOf(arsenal, state, stayingTypes(arsenal.table, state)).filter(({ bytes, type }) =>
        isMessage(arsenal, bytes, type),
      );
      if (good.length === 0) yield undefined;
      for (let at = 0; at < good.length; at += 8) {
        const some = good.slice(at, at + 8);
        const what = some.map(({ what }) => what).join('; ');
        yield [what, ...some.flatMap(({ bytes }) => [send(framedIfPossible(arsenal, bytes)), SETTLE])];
      }
    }
  },
  *fields(arsenal, state) {
    for (;;) {
      const bad = missesOf(arsenal, state, likelyTypes(arsenal, state)).filter(
        ({ bytes }) => !isMessage(arsenal, bytes),
      );
      if (bad.length === 0) yield undefined;
      for (const { what, bytes } of bad) yield [what, send(framedIfPossible(arsenal, bytes)), SETTLE];
    }
  },
  *frames(arsenal, state) {
    for (;;) {
      const type = oneOf(arsenal, likelyTypes(arsenal, state));
      const frame = frameOf(arsenal, type, state);
      if (frame === undefined) {
        yield undefined;
        continue;
      }
      for (const { what, bytes } of shuffled(frameMisses(arsenal.framing, frame), arsenal.random)) {
        yield [`${type}, framed: ${what}`, send(bytes), SETTLE];
      }
    }
  },
  *order(arsenal, state) {
    const types = allTypes(arsenal, state);
    for (;;) {
      const alone: Made[] = types.flatMap((type) => sequence(arsenal, state, [type]));
      const twice: Made[] = types.flatMap((type) => sequence(arsenal, state, [type, type]));
      const walks: Made[] = types.flatMap(() =>
        sequence(
          arsenal,
          state,
          Array.from({ length: 6 }, () => oneOf(arsenal, types)!),
        ),
      );
      const all = [...alone, ...twice, ...walks];
      if (all.length === 0) yield undefined;
      yield* all;
    }
  },
  *splits(arsenal, state) {
    const types = stayingTypes(arsenal.table, state);
    for (;;) {
      const route = state === arsenal.table.initial.name ? longestRoute(arsenal) : undefined;
      const some = route ?? [oneOf(arsenal, types), oneOf(arsenal, types)].filter((one) => one !== undefined);
      const frames = some.map((type) => frameOf(arsenal, type, state)).filter((one) => one !== undefined);
      if (frames.length === 0) {
        yield undefined;
        continue;
      }
      const whole = Buffer.concat(frames);
      const what = some.join(', ');
      yield [`${what} in one piece`, send(whole), SETTLE];
      if (route === undefined) {
        const many = Array.from({ length: 16 }, () => whole);
        yield [`${what}, 16 times in one piece`, send(Buffer.concat(many)), SETTLE];
      }
      if (whole.length <= 256) {
        yield [`${what}, byte by byte`, ...[...whole].map((byte) => send(Buffer.from([byte]))), SETTLE];
      }
      for (const at of shuffled(placesIn(whole), arsenal.random)) {
        yield [
          `${what}, cut after ${at} bytes`,
          send(whole.subarray(0, at)),
          send(whole.subarray(at)),
          SETTLE,
        ];
      }
    }
  },
  *behind(arsenal, state) {
    const out = routeOut(arsenal.table, state);
    for (;;) {
      const leaving = out?.map(({ type, from }) => frameOf(arsenal, type, from)) ?? [undefined];
      const type = oneOf(arsenal, likelyTypes(arsenal, state));
      const more = frameOf(arsenal, type, state);
      if (more === undefined || leaving.includes(undefined)) {
        yield undefined;
        continue;
      }
      const last = Buffer.concat(leaving as Buffer[]);
      yield [`${type} behind the end, in one piece`, send(Buffer.concat([last, more, more])), SETTLE];
      yield [`${type} behind the end`, send(last), send(more), SETTLE];
      yield [`half a ${type} behind the end`, send(Buffer.concat([last, more.subarray(0, 3)])), END, SETTLE];
    }
  },
  *halves(arsenal, state) {
    for (;;) {
      yield ['our side ends at once', END, SETTLE];
      const type =
        oneOf(arsenal, stayingTypes(arsenal.table, state)) ?? oneOf(arsenal, likelyTypes(arsenal, state));
      const frame = frameOf(arsenal, type, state);
      if (frame === undefined) continue;
      yield [`${type}, and our side ends`, send(frame), END, SETTLE];
      const three = Buffer.concat([frame, frame, frame]);
      yield [`${type} three times in one piece, and our side ends`, send(three), END, SETTLE];
      for (const at of shuffled(placesIn(frame), arsenal.random).slice(0, 4)) {
        yield [
          `${type}, ended after ${at} of ${frame.length} bytes`,
          send(frame.subarray(0, at)),
          END,
          SETTLE,
        ];
      }
    }
  },
  *resets(arsenal, state) {
    for (;;) {
      yield ['reset', RESET];
      const type = oneOf(arsenal, likelyTypes(arsenal, state));
      const frame = frameOf(arsenal, type, state);
      if (frame === undefined) continue;
      yield [`${type}, and reset`, send(frame), RESET];
      const at = 1 + Math.floor(arsenal.random() * (frame.length - 1));
      yield [`${type}, reset after ${at} bytes`, send(frame.subarray(0, at)), RESET];
    }
  },
  *bytes(arsenal, state) {
    const { random } = arsenal;
    const below = (limit: number): number => Math.floor(random() * limit);
    for (;;) {
      const types = Array.from({ length: 1 + below(3) }, () => oneOf(arsenal, allTypes(arsenal, state)));
      const frames = types.map((type) => frameOf(arsenal, type, state)).filter((one) => one !== undefined);
      if (frames.length === 0) {
        yield undefined;
        continue;
      }
      let bytes = Buffer.concat(frames);
      for (let left = 1 + below(4); left > 0; left--) {
        const at = below(bytes.length + 1);
        const rest = bytes.subarray(at + below(2));
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(random() < 0.7 ? [below(256)] : []), rest]);
      }
      const at = below(bytes.length + 1);
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)].filter(({ length }) => length > 0);
      yield [`${types.join(', ')}, with random changes`, ...pieces.map(send), SETTLE];
    }
  },
  *floods(arsenal, state) {
    for (;;) {
      const type = oneOf(arsenal, stayingTypes(arsenal.table, state));
      const frame = frameOf(arsenal, type, state);
      if (frame === undefined) {
        yield undefined;
        continue;
      }
      const many = Array.from({ length: Math.ceil(65_536 / frame.length) }, () => frame);
      yield [`${type}, many times, unread`, { do: 'flood', bytes: Buffer.concat(many) }, END, SETTLE];
    }
  },
};

/** The types for which the table has a row. Types that only `otherwise` handles are left out, unless there are no others. */
function likelyTypes({ protocol, table }: Arsenal, state: string): string[] {
  const own = [...(protocol.session?.table.states.get(state)?.on.keys() ?? [])];
  return own.length > 0 ? own : [...table.states.get(state)!.on.keys(), ...typesOf(protocol)];
}

function allTypes(arsenal: Arsenal, state: string): string[] {
  const { protocol, table } = arsenal;
  return [...new Set([...likelyTypes(arsenal, state), ...table.receives, ...typesOf(protocol)])];
}

/** The types that clients send; '' stands for messages without a type. */
export function typesOf({ clientMessages: { types = [] } }: JudgedProtocol): readonly string[] {
  return types.length > 0 ? types : [''];
}

interface TypedMiss extends NearMiss {
  readonly type: string;
}

/** The near misses of the payloads of these types, in a random order. */
function missesOf(arsenal: Arsenal, state: string, types: readonly string[]): TypedMiss[] {
  const all = types.flatMap((type) => {
    const payload = arsenal.payload(type, state);
    if (payload === undefined || payload.length > 65_536) return [];
    const misses = payloadMisses(arsenal.protocol.clientMessages, payload);
    return misses.map(({ what, bytes }) => ({ what: `${type}: ${what}`, bytes, type }));
  });
  return shuffled(all, arsenal.random);
}

/** Whether the bytes are a message; with `type`, a message of that type. */
function isMessage({ protocol }: Arsenal, bytes: Buffer, type?: string): boolean {
  try {
    const message = protocol.clientMessages.decode(bytes) as { type?: string };
    return type === undefined || (message.type ?? '') === type;
  } catch {
    return false;
  }
}

function sequence(arsenal: Arsenal, state: string, types: readonly string[]): [Made] | [] {
  const frames = types.map((type) => frameOf(arsenal, type, state)).filter((one) => one !== undefined);
  if (frames.length === 0) return [];
  return [[types.join(', '), ...frames.flatMap((frame) => [send(frame), SETTLE])]];
}

/** The types on the longest of the shortest routes through the table, plus a message of the state where it ends. */
function longestRoute({ table }: Arsenal): string[] | undefined {
  const routes = [...routesFrom(table, table.initial.name).values()].filter(
    (route) => route.length > 0 && !table.states.get(route.at(-1)!.to)!.final,
  );
  const longest = routes.at(-1);
  if (longest === undefined) return undefined;
  const [next] = stayingTypes(table, longest.at(-1)!.to);
  return [...longest.map(({ type }) => type), ...(next === undefined ? [] : [next])];
}

function frameOf(arsenal: Arsenal, type: string | undefined, state: string): Buffer | undefined {
  const payload = type === undefined ? undefined : arsenal.payload(type, state);
  return payload && framedIfPossible(arsenal, payload);
}

/** The frame of the payload; the payload itself if it cannot be framed. */
function framedIfPossible({ framing }: Arsenal, payload: Buffer): Buffer {
  try {
    return framed(framing.writer(), payload);
  } catch {
    return payload;
  }
}

/** The places to cut; only those near the start and the end if there are many. */
function placesIn({ length }: Buffer): number[] {
  const all = Array.from({ length: length - 1 }, (_, index) => index + 1);
  return all.length <= 128 ? all : [...all.slice(0, 64), ...all.slice(-64)];
}

function oneOf({ random }: Arsenal, types: readonly string[]): string | undefined {
  return types[Math.floor(random() * types.length)];
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed;
}
