import { checkOptions, flag, oneOf } from '../../options.ts';
import type { KindCodec } from '../../protocol/by-kind.ts';
import { directionOf } from '../../protocol/direction.ts';
import type { Declaration } from '../../protocol/fields/engine/declaration.ts';
import type { DeclaredCodec } from '../../protocol/fields/messages.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import type { DocumentedProtocol } from '../docs/wire-docs.ts';
import type { Gap } from '../gap.ts';
import { requireParts } from '../require-parts.ts';
import { choose, express, memberAttributes, type Place, tagOf } from './attributes.ts';
import { type Attribute, Definition, type TypeBuilder } from './build.ts';
import { Scope } from './scope.ts';
import { toYaml, type Yaml } from './yaml.ts';

export interface KsyOptions {
  /** The side that sends the messages: a definition covers one direction. Default `'client'`. */
  from?: 'client' | 'server';
  /** Describe the stream of frames, if the framing can be expressed; otherwise one payload. Default true. */
  frames?: boolean;
}

/** A Kaitai Struct definition, and what it does not express. */
export interface Ksy {
  /** The file. */
  readonly text: string;
  /** What the file cannot express; comments in it say so at each place. */
  readonly gaps: readonly Gap[];
}

/**
 * The messages of one direction as a definition for Kaitai Struct (0.9 or later). Except for the gaps, it parses what the codec
 * decodes and refuses what the codec refuses.
 *
 * @throws TypeError for a codec without a declaration, or an unknown option
 *
 * @example writeFileSync('drone_client.ksy', toKsy(drone, { from: 'client' }).text);
 */
export function toKsy(protocol: DocumentedProtocol, options: KsyOptions = {}): Ksy {
  requireParts('toKsy', protocol);
  checkOptions('toKsy', options, { from: oneOf('client', 'server'), frames: flag });
  const { from = 'client', frames = true } = options;
  const { framing, messages, preface } = directionOf(protocol, from);
  const declaration = (messages as Partial<DeclaredCodec<unknown>> & Partial<KindCodec<never>>).declaration;
  if (declaration === undefined) {
    throw new TypeError(`toKsy: the messages of the ${from} are not declared by messages() or codecOf()`);
  }
  const { definition, root } = ksyOf(declaration);
  const top: { seq: Attribute[]; instances: Record<string, Attribute> } = { seq: [], instances: {} };
  const gaps = [...definition.gaps];
  const comments: string[] = [];
  const frame = frames ? frameOf(framing, root.name) : undefined;
  if (preface !== undefined) top.seq.push({ id: 'preface', contents: [...preface] });
  if (frame === undefined) {
    if (frames) {
      const what = `the framing ${framing.name}`;
      gaps.unshift({ where: 'framing', what, instead: 'the file describes one payload' });
      comments.push(`Not expressed: ${what}; the file describes one payload.`);
    }
    top.seq.push({ id: 'message', type: root.name });
  } else top.seq.push({ id: 'frames', type: 'frame', repeat: 'eos' });
  const types = Object.fromEntries([
    ...(frame === undefined ? [] : [['frame', frame]]),
    ...definition.types.map((type) => [type.name, type.yaml()]),
  ]) as Record<string, Attribute>;
  const file = {
    '#': [
      `The messages of the ${from} of ${protocol.name.replace(/[^\x20-\x7e]/g, '?')}, made by wirepipe from its declaration.`,
      ...comments,
    ],
    meta: { id: `${idOf(protocol.name)}_${from}`, endian: 'le', encoding: 'UTF-8' },
    seq: top.seq,
    types,
    ...(Object.keys(definition.enums).length > 0 && { enums: definition.enums }),
  };
  return { text: toYaml(file as unknown as Yaml), gaps };
}

/** The types of a declaration, and the name of the message's type. */
export function ksyOf({ root, trailing, parameters = new Map() }: Declaration): {
  definition: Definition;
  root: TypeBuilder;
} {
  const definition = new Definition(parameters);
  definition.name('frame');
  const type = definition.type('message');
  const stream = { closed: false, isFrame: true };
  const place: Place = {
    definition,
    type,
    scope: new Scope(),
    path: 'message',
    name: '',
    condition: undefined,
    room: '0',
    stream,
  };
  const shape = root.kind.shape(root);
  if (shape.is === 'choice') {
    const first = shape.cases[0]!.group.entries;
    memberAttributes(first, place, 0, shape.before);
    const tag = tagOf(shape.tag, place);
    if (tag !== undefined) choose(shape.cases, tag, place, shape.before);
    else express(root, { ...place, name: 'body' });
  } else express(root, { ...place, name: 'value' });
  if (trailing === 'reject' && !stream.closed) type.check('end', '_io.eof', undefined);
  return { definition, root: type };
}

/** A frame as a type; undefined if the framing cannot be expressed. */
function frameOf({ layout }: Framing, message: string): Attribute | undefined {
  if (layout?.kind === 'fixedLength') return { seq: [{ id: 'payload', size: layout.length, type: message }] };
  if (layout?.kind !== 'lengthPrefix' || layout.field.form !== 'binary' || layout.field.mask !== undefined)
    return undefined;
  const { field, adjustment, strips, maximum } = layout;
  const { offset, width, order } = field;
  const type = [1, 2, 4, 8].includes(width)
    ? `u${width}${width === 1 ? '' : order === 'big' ? 'be' : 'le'}`
    : `b${8 * width}${order === 'big' ? 'be' : 'le'}`;
  const size = adjustment === 0 ? 'length' : `length ${adjustment < 0 ? '-' : '+'} ${Math.abs(adjustment)}`;
  const valid = { min: Math.max(0, -adjustment), max: maximum - adjustment };
  if (strips === offset + width || strips === 'header') {
    return {
      seq: [
        ...(offset > 0 ? [{ id: 'header', size: offset }] : []),
        { id: 'length', type, valid },
        { id: 'payload', size, type: message },
      ],
    };
  }
  if (strips !== 0) return undefined;
  return {
    seq: [
      // The length is part of the payload, so it is checked before the payload is read.
      { id: 'check_length', size: 0, valid: { expr: `length >= ${valid.min} and length <= ${valid.max}` } },
      { id: 'payload', size: `${offset + width} + ${size}`, type: message },
    ],
    instances: { length: { pos: `_io.pos + ${offset}`, type } },
  };
}

function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z]/.test(id) ? id : `p_${id}`;
}
