import type { Infer } from 'wirepipe';
import type { properties } from '../properties.ts';

type Property = Infer<typeof properties>[number];

/** A list of properties in the form of mqtt-packet: an object, with an array for a repeated property. */
export function toObject(list: readonly Property[]): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const one of list) {
    if (one.type === 'userProperty') {
      all.userProperties ??= Object.create(null);
      add(all.userProperties as Record<string, unknown>, one.name, one.value);
    } else add(all, one.type, one.value);
  }
  return all;
}

function add(object: Record<string, unknown>, name: string, value: unknown): void {
  const before = object[name];
  if (before === undefined) object[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else object[name] = [before, value];
}

/** The reverse of `toObject`. The codec refuses values of the wrong type. */
export function toList(object: unknown): Property[] {
  const list: Record<string, unknown>[] = [];
  // As in mqtt-packet, anything except an object has no properties.
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return [];
  for (const [type, value] of Object.entries(object)) {
    if (value === undefined) continue;
    if (type === 'userProperties') {
      for (const [name, values] of Object.entries(value as object)) {
        for (const each of [values].flat()) list.push({ type: 'userProperty', name, value: String(each) });
      }
    } else {
      for (const each of [value].flat()) list.push({ type, value: each });
    }
  }
  return list as unknown as Property[];
}
