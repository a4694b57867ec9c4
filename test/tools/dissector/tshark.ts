import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** An item of Wireshark's tree: its name, its value as text, and its place in the packet where it has one. */
export interface Item {
  readonly name: string;
  readonly value: string;
  readonly at: number;
  readonly length: number;
  readonly hex: string;
}

/** One frame of the protocol in a packet. */
export interface Layer {
  /** The protocol. */
  readonly name: string;
  readonly packet: number;
  /** Its bytes on the wire, and where they begin in what Wireshark put together. */
  readonly hex: string;
  readonly at: number;
  readonly items: readonly Item[];
}

export interface Run {
  readonly layers: readonly Layer[];
  /** All that tshark wrote to stderr. */
  readonly problems: string;
  readonly text: string;
}

/** Read a capture with dissectors, each by its file's name; gives the layers whose protocol is one of the names. */
export function tshark(
  scripts: Readonly<Record<string, string>>,
  capture: Uint8Array,
  names: readonly string[],
  ...options: string[]
): Run {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-dissector-'));
  try {
    const file = path.join(folder, 'capture.pcapng');
    writeFileSync(file, capture);
    const loads = Object.entries(scripts).flatMap(([name, lua]) => {
      const script = path.join(folder, `${name}.lua`);
      writeFileSync(script, lua);
      return ['-X', `lua_script:${script}`];
    });
    const args = [
      '-n',
      ...loads,
      ...options,
      '-r',
      file,
      '-T',
      'json',
      '-x',
      '-J',
      ['frame', ...names].join(' '),
    ];
    const { stdout, stderr, error } = spawnSync('tshark', args, { maxBuffer: 2 ** 30, encoding: 'utf8' });
    if (error !== undefined) throw error;
    return { layers: layersOf(stdout, new Set(names)), problems: stderr, text: stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A value of JSON, in which a name may come more than once. */
type Json = string | number | boolean | null | Json[] | Pairs;
class Pairs {
  readonly pairs: (readonly [string, Json])[] = [];
}

/** As `JSON.parse`, and keeps every pair of an object. */
function parse(text: string): Json {
  let at = 0;
  const space = (): void => {
    while (' \n\r\t'.includes(text[at]!) && at < text.length) at++;
  };
  const string = (): string => {
    const from = at++;
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    at++;
    return JSON.parse(text.slice(from, at)) as string;
  };
  const value = (): Json => {
    space();
    const first = text[at];
    if (first === '"') return string();
    if (first === '{') {
      const object = new Pairs();
      at++;
      for (space(); text[at] !== '}'; space()) {
        if (text[at] === ',') at++;
        space();
        const name = string();
        space();
        at++;
        object.pairs.push([name, value()]);
      }
      at++;
      return object;
    }
    if (first === '[') {
      const list: Json[] = [];
      at++;
      for (space(); text[at] !== ']'; space()) {
        if (text[at] === ',') at++;
        list.push(value());
      }
      at++;
      return list;
    }
    const [word] = /^[^,\]}\s]+/.exec(text.slice(at, at + 40))!;
    at += word.length;
    return JSON.parse(word) as Json;
  };
  return value();
}

function layersOf(text: string, names: ReadonlySet<string>): Layer[] {
  const layers: Layer[] = [];
  if (text.trim() === '') return layers;
  for (const packet of parse(text) as Pairs[]) {
    const source = member(packet, '_source') as Pairs;
    const all = member(source, 'layers') as Pairs;
    const frame = member(all, 'frame') as Pairs;
    const number = Number(member(frame, 'frame.number'));
    let raw: Json[] = [];
    for (const [name, layer] of all.pairs) {
      if (name.endsWith('_raw') && Array.isArray(layer)) raw = layer;
      if (!names.has(name) || !(layer instanceof Pairs)) continue;
      const items: Item[] = [];
      collect(layer, items);
      layers.push({ name, packet: number, hex: String(raw[0]), at: Number(raw[1]), items });
    }
  }
  return layers;
}

function member(object: Pairs, name: string): Json | undefined {
  return object.pairs.find(([own]) => own === name)?.[1];
}

/** Outer before inner, in the order of the tree. The place of an item stands in front of it, under a name of its own. */
function collect(object: Pairs, items: Item[]): void {
  let place: [hex: string, at: number, length: number] | undefined;
  for (const [name, value] of object.pairs) {
    if (name.endsWith('_raw') && Array.isArray(value)) {
      const first = Array.isArray(value[0]) ? value[0] : value;
      place = [String(first[0]), Number(first[1]), Number(first[2])];
    } else if (value instanceof Pairs) {
      place = undefined;
      if (!name.endsWith('_tree')) items.push({ name, value: '', at: -1, length: 0, hex: '' });
      collect(value, items);
    } else {
      const [hex, at, length] = place ?? ['', -1, 0];
      items.push({ name, value: String(value), at, length, hex });
      place = undefined;
    }
  }
}
