import { same } from '../json/framing.ts';
import type { Json } from '../json/part.ts';
import type { Change } from './change.ts';
import type { Data } from './compare-types.ts';

type Rows = ReadonlyMap<string, Data>;

/** The differences between two tables of states. States are matched by name. */
export function compareSessions(before: Data, after: Data): Change[] {
  const changes: Change[] = [];
  const add = (path: string, reason: string, isSafe = false): void => {
    changes.push({ path, breaks: isSafe ? [] : ['sessions'], reason });
  };
  for (const part of ['initial', 'ready'] as const) {
    if (before[part] !== after[part]) {
      add(`session.${part}`, `it was '${String(before[part])}' and is '${String(after[part])}'`);
    }
  }
  const [old, now] = [before, after].map(({ states }) => byKey(states!, 'name'));
  for (const [name, state] of old!) {
    const other = now!.get(name);
    if (other === undefined) add(`session.${name}`, 'the state is no longer there');
    else compareStates(`session.${name}`, state, other, add);
  }
  for (const name of now!.keys()) {
    // A new way into the state is a change of its own.
    if (!old!.has(name)) add(`session.${name}`, 'the state is new', true);
  }
  return changes;
}

function compareStates(
  path: string,
  a: Data,
  b: Data,
  add: (path: string, reason: string, isSafe?: boolean) => void,
): void {
  for (const [part, key] of [
    ['on', 'message'],
    ['timers', 'timer'],
  ] as const) {
    const [old, now] = [a, b].map((one) => byKey(one[part] ?? [], key)) as unknown as [Rows, Rows];
    for (const [name, row] of old) {
      const other = now.get(name);
      if (other !== undefined) compareRows(`${path}.${name}`, row, other, add);
      else if (part === 'timers') add(`${path}.${name}`, 'the timer is no longer there');
      else add(`${path}.${name}`, `the state no longer takes '${name}'`);
    }
    for (const name of now.keys()) {
      if (old.has(name)) continue;
      if (part === 'timers') add(`${path}.${name}`, 'the timer is new');
      else
        add(
          `${path}.${name}`,
          `the state takes '${name}' now, which servers of the old version refuse there`,
        );
    }
  }
  if ((a.otherwise === undefined) !== (b.otherwise === undefined)) {
    add(
      path,
      `any other message was ${a.otherwise === undefined ? 'refused' : 'taken'}, and is ${b.otherwise === undefined ? 'refused' : 'taken'}`,
    );
  } else if (a.otherwise !== undefined) {
    compareRows(`${path}.otherwise`, a.otherwise as Data, b.otherwise as Data, add);
  }
  const lists = {
    next: 'states may follow',
    unsolicited: 'messages may be sent unasked',
    postpone: 'messages wait',
  };
  for (const [part, what] of Object.entries(lists)) {
    const [old, now] = [a[part], b[part]].map((one) => sorted(one));
    if (!same(old, now)) add(path, `other ${what}: ${text(old)} before, ${text(now)} now`);
  }
  for (const limit of ['within', 'idle', 'frame']) {
    const [old, now] = [a, b].map((one) => Number((one.deadline as Data | undefined)?.[limit] ?? Infinity));
    if (old === now) continue;
    const isLonger = now! > old!;
    add(
      `${path}.deadline`,
      `${limit} was ${old} ms and is ${now} ms${isLonger ? ': a side that kept the shorter one keeps the longer' : ''}`,
      isLonger,
    );
  }
  if (a.final !== b.final) add(path, `the state ${b.final ? 'is final now' : 'is no longer final'}`);
  for (const part of ['framing', 'receives', 'sends', 'onEnter', 'onEnd'] as const) {
    const [old, now] = [a[part], b[part]];
    // Whether two functions do the same is unknown; only their presence is compared.
    const isFunction = part === 'onEnter' || part === 'onEnd';
    if (isFunction ? (old === undefined) !== (now === undefined) : !same(old ?? null, now ?? null)) {
      add(path, `${part} is another one`);
    }
  }
}

function compareRows(
  path: string,
  a: Data,
  b: Data,
  add: (path: string, reason: string, isSafe?: boolean) => void,
): void {
  const [old, now] = [a, b].map(({ outcomes }) =>
    outcomes === undefined
      ? undefined
      : new Map([...byKey(outcomes, 'state')].map(([state, one]) => [state, answers(one)])),
  );
  if (old === undefined && now === undefined) return;
  if (old === undefined || now === undefined) {
    add(
      path,
      `what follows was ${old === undefined ? 'not ' : ''}declared, and is ${now === undefined ? 'not ' : ''}declared`,
    );
    return;
  }
  for (const [state, sent] of old) {
    const other = now.get(state);
    if (other === undefined) add(path, `'${state}' no longer follows`);
    else if (other !== sent) add(path, `on the way to '${state}' the answer was ${sent}, and is ${other}`);
  }
  for (const state of now.keys()) if (!old.has(state)) add(path, `'${state}' may follow now`);
}

/** The answers of an outcome, in words. */
function answers(outcome: Data): string {
  const { one, any, until, of } = Object.fromEntries(
    Object.entries(outcome).map(([name, types]) => [name, text(sorted(types))]),
  );
  if (one !== undefined) return `one of ${one}`;
  if (any !== undefined) return any === '[]' ? 'nothing' : `any of ${any}`;
  return `up to ${until}, of ${of ?? '[]'}`;
}

function byKey(list: Json, key: string): Map<string, Data> {
  return new Map((list as readonly Data[]).map((one) => [one[key] as string, one]));
}

function sorted(list: Json | undefined): Json {
  return Array.isArray(list) ? [...(list as string[])].sort() : (list ?? null);
}

function text(value: Json | undefined): string {
  return JSON.stringify(value ?? null).replaceAll('"', "'");
}
