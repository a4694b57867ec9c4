import { showThrown } from '../../bytes/show.ts';
import { anObject, type Check, checkOptions, flag, listOf, oneOf } from '../../options.ts';
import type { KindCodec } from '../../protocol/by-kind.ts';
import type { Codec } from '../../protocol/codec.ts';
import {
  type FramingPair,
  fromClient,
  fromServer,
  type Preface,
  refusalOf,
} from '../../protocol/direction.ts';
import type { AnyNode, Case, Shape } from '../../protocol/fields/kind.ts';
import { framed } from '../../protocol/framing/framed.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import type { MessageSource } from '../../protocol/session/declaration.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { Gap } from '../gap.ts';
import { requireParts } from '../require-parts.ts';
import {
  type Block,
  code,
  count,
  grouped,
  heading,
  hexOf,
  join,
  paragraph,
  say,
  type Text,
} from './block.ts';
import { describeField, describeMembers } from './describe-field.ts';
import { exampleRows, explain } from './example.ts';
import { framingBlocks } from './framing.ts';
import { toHtmlPage } from './html.ts';
import { toMarkdownPage } from './markdown.ts';
import { type PartRefusals, Refusals, refusedBlocks } from './refusals.ts';
import { type AnyDeclared, sampleOf } from './sample.ts';
import { sessionBlocks } from './session.ts';
import { Describer, type Findings, type Sheet } from './sheet.ts';
import { isKnown, sumBlocks } from './sums.ts';
import { transcriptBlocks } from './transcript.ts';
import { type Made, trialBlocks } from './trials.ts';
import { integerType } from './types.ts';
import { tagText } from './words.ts';

/** The parts of a protocol that the page is made from. */
export interface DocumentedProtocol {
  readonly name: string;
  readonly framing: Framing | FramingPair;
  readonly preface?: Preface | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: any messages
  readonly clientMessages: MessageSource<Codec<any, any>>;
  // biome-ignore lint/suspicious/noExplicitAny: any messages
  readonly serverMessages: MessageSource<Codec<any, any>>;
  // biome-ignore lint/suspicious/noExplicitAny: any session
  readonly session?: Session<any, any, any, any> | undefined;
}

export interface WireDocsOptions {
  /** Default `'markdown'`. */
  format?: 'markdown' | 'html';
  /** Draw byte diagrams in characters, 32 bits a row, in place of Mermaid; for Markdown only. Default false. */
  rfc?: boolean;
  /** Messages to show as examples, in place of generated ones; the first of each type is used. */
  examples?: { readonly client?: readonly object[]; readonly server?: readonly object[] };
}

/** A page, and what it cannot say. */
export interface WireDocs {
  readonly text: string;
  /** The parts of the declaration that only code knows, and what the page has instead; the page lists them too. */
  readonly gaps: readonly Gap[];
}

/**
 * The wire documentation of a protocol, for a stranger who implements it in another language: framing, each message with its byte
 * diagram, types, limits, an example in hex with every byte explained, states, checksums, and what must be refused.
 *
 * @throws TypeError for an option that does not exist
 *
 * @example writeFileSync('drone.md', wireDocs(drone).text);
 */
export function wireDocs(protocol: DocumentedProtocol, options: WireDocsOptions = {}): WireDocs {
  requireParts('wireDocs', protocol);
  checkOptions('wireDocs', options, {
    format: oneOf('markdown', 'html'),
    rfc: flag,
    examples: examplesBySide,
  });
  const { format = 'markdown', rfc = false, examples = {} } = options;
  const { blocks, gaps } = new Writer(protocol, examples).page();
  const title = `The wire protocol ${protocol.name}`;
  return { text: format === 'html' ? toHtmlPage(title, blocks) : toMarkdownPage(blocks, { rfc }), gaps };
}

const examplesBySide: Check = (name, value) =>
  checkOptions(name, value, { client: listOf(anObject), server: listOf(anObject) });

/** The parts of a codec with several kinds of packets, one for each kind. */
function kindsOf(part: Part): Part[] {
  const { codecs } = part.codec as Partial<KindCodec<Record<string, Part['codec']>>>;
  if (codecs === undefined) return [part];
  return Object.entries(codecs).map(([kind, codec]) => ({
    ...part,
    codec,
    title: say`${part.title}: the kind ${kind}`,
  }));
}

/** The messages of one direction, or of one state. */
interface Part {
  readonly side: 'client' | 'server' | 'both';
  readonly title: Text;
  readonly framing: Framing;
  // biome-ignore lint/suspicious/noExplicitAny: any messages
  readonly codec: MessageSource<Codec<any, any>>;
}

class Writer {
  readonly #protocol: DocumentedProtocol;
  readonly #examples: NonNullable<WireDocsOptions['examples']>;
  readonly #gaps: Gap[] = [];
  readonly #refused: PartRefusals[] = [];
  readonly #made: Made[] = [];
  readonly #findings: Omit<Findings, 'refusals' | 'parameters'>;

  constructor(protocol: DocumentedProtocol, examples: NonNullable<WireDocsOptions['examples']>) {
    this.#protocol = protocol;
    this.#examples = examples;
    this.#findings = { types: new Map(), sums: new Map(), gaps: this.#gaps };
  }

  page(): { blocks: Block[]; gaps: Gap[] } {
    const { name, session } = this.#protocol;
    const parts = this.#parts();
    const framing = this.#framing();
    const messages = parts.flatMap(kindsOf).flatMap((part) => this.#messages(part));
    const { types, sums } = this.#findings;
    for (const sum of sums.values()) {
      if (isKnown(sum)) continue;
      const what = `the checksum ${sum.name} is computed by code of the program`;
      this.#gaps.push({ where: 'checksums', what, instead: 'its width and its check value are given' });
    }
    const blocks: Block[] = [
      heading(1, say`The wire protocol ${name}`),
      paragraph([
        'The meaning of the bytes of this protocol, for an implementation in any language. The page is generated from the declaration that wirepipe, a toolkit for network protocols, runs, so the two agree.',
      ]),
      {
        is: 'list',
        items: [
          [
            'Bytes are written in hex, and in the order in which they are sent. Offsets, which begin at 0, and sizes count bytes; the numbers in byte diagrams count bits.',
          ],
          [
            'In a byte diagram a row is 32 bits, with the first bit sent on the left; the most significant bit of a byte is on the left. A field whose name ends with … has no fixed size, or a long one, and is not drawn to scale.',
          ],
          [
            `“Refused” means that a reader treats bytes as broken and reads no further. Messages before them are accepted and answered as usual; the refused bytes get no answer${session?.table.farewell === undefined ? '' : ', except for a farewell (see “Session”)'}. Then the reader closes the connection.`,
          ],
        ],
      },
      heading(2, ['Framing']),
      ...framing,
      ...(types.size === 0
        ? []
        : [
            heading(2, ['Types']),
            {
              is: 'table',
              head: ['type', 'what it is'],
              rows: [...types].map(([type, about]): Text[] => [[code(type)], about]),
            } as const,
          ]),
      ...messages,
      ...refusedBlocks(this.#refused),
      ...trialBlocks(this.#made),
      ...(sums.size === 0 ? [] : [heading(2, ['Checksums']), ...sumBlocks(sums.values())]),
      ...(session === undefined
        ? []
        : [heading(2, ['Session']), ...sessionBlocks(session), ...transcriptBlocks(session, this.#made)]),
    ];
    blocks.push(heading(2, ['What this page does not say']), ...this.#gapBlocks());
    return { blocks, gaps: this.#gaps };
  }

  /** Both directions, and the parts that states have of their own. */
  #parts(): Part[] {
    const protocol = this.#protocol;
    const [client, server] = [fromClient(protocol), fromServer(protocol)];
    const isOne = client.messages === server.messages;
    const parts: Part[] = [
      {
        side: isOne ? 'both' : 'client',
        title: [isOne ? 'Messages of both sides' : 'Messages of the client'],
        framing: client.framing,
        codec: client.messages,
      },
    ];
    if (!isOne) {
      const title = ['Messages of the server'];
      parts.push({ side: 'server', title, framing: server.framing, codec: server.messages });
    }
    const seen = new Set<unknown>([client.messages, server.messages]);
    for (const { name, line } of protocol.session?.table.states.values() ?? []) {
      for (const [part, value] of Object.entries(line ?? {})) {
        if (value === undefined || seen.has(value)) continue;
        seen.add(value);
        if (typeof value === 'function' || part === 'framing') {
          const what =
            part === 'framing'
              ? 'a framing of its own'
              : `a codec of its own (${part}), which a function makes`;
          this.#gaps.push({ where: `state ${name}`, what, instead: 'the page does not describe it' });
          continue;
        }
        const side = part === 'receives' ? 'client' : 'server';
        const { framing } = side === 'client' ? client : server;
        const title = say`Messages of the ${[side]} in the state ${name}`;
        parts.push({ side, title, framing, codec: value as Part['codec'] });
      }
    }
    return parts;
  }

  #framing(): Block[] {
    const [client, server] = [fromClient(this.#protocol), fromServer(this.#protocol)];
    const blocks: Block[] = [];
    const first = prefaceSentences(this.#protocol);
    if (first.length > 0) blocks.push({ is: 'list', items: first });
    if (client.framing === server.framing) {
      blocks.push(
        paragraph(['Both sides send frames, one after the other. The payload of a frame is one message.']),
      );
      return [...blocks, ...framingBlocks(client.framing, 'framing', this.#gaps)];
    }
    for (const [side, { framing }] of [
      ['client', client],
      ['server', server],
    ] as const) {
      blocks.push(heading(3, [`What the ${side} sends`]));
      blocks.push(...framingBlocks(framing, `framing of the ${side}`, this.#gaps));
    }
    return blocks;
  }

  #messages({ side, title, framing, codec }: Part): Block[] {
    const blocks: Block[] = [heading(2, title)];
    if (!isDeclared(codec)) {
      this.#gaps.push({
        where: side,
        what: 'a codec that is no declaration',
        instead: 'its messages are not described',
      });
      return [
        ...blocks,
        paragraph(['A program of its own reads and writes these messages; their bytes are not declared.']),
      ];
    }
    const { root, trailing, limits, parameters = new Map() } = codec.declaration;
    const refusals = new Refusals();
    const describer = new Describer({ ...this.#findings, refusals, parameters }, side);
    const shape = root.kind.shape(root);
    const isChoice = shape.is === 'choice';
    if (isChoice) blocks.push(...overview(shape));
    if (trailing === 'ignore') {
      blocks.push(
        paragraph([
          `${isChoice ? 'A sender sends exactly this many bytes. ' : ''}A reader ignores bytes after a complete message, inside its frame.`,
        ]),
      );
    } else if (trailing === 'keep') {
      blocks.push(
        paragraph(['Bytes after a complete message, inside its frame, belong to it as its last field.']),
      );
    }
    if (parameters.size > 0) {
      const all = [...parameters].map(([name, value]) => say`${name} (here ${value})`);
      blocks.push(
        paragraph(say`Parameters, which both sides know before the first byte: ${join(all, ', ')}.`),
      );
    }
    if (isChoice) for (const one of shape.cases) this.#message(one, shape, describer);
    else describer.message(['The message'], 'message', (place) => describeField(root, place));
    for (const sheet of describer.sheets) {
      blocks.push(...sheetBlocks(sheet));
      if (sheet.message === undefined) continue;
      blocks.push(...this.#example(codec, isChoice ? sheet.message : undefined, framing, side));
    }
    if (root.facts.size.min > 0) refusals.add('empty');
    if (isChoice && !shape.cases.some(({ tags }) => tags?.length === 0)) refusals.add('unknown');
    if (trailing === 'reject' && !root.facts.traits.takesRest) refusals.add('trailing');
    const more: Text[] = [];
    const { layout } = framing;
    if (
      layout?.kind === 'lengthPrefix' &&
      layout.strips !== 'header' &&
      layout.strips <= layout.field.offset
    ) {
      const first = layout.field.offset - layout.strips;
      more.push([
        `The length field of the framing is part of the payload, ${count(first, 'byte')} after its first byte; a sender fills it in, whatever field is there.`,
      ]);
    }
    const { costs } = root.facts;
    if (costs.elements > limits.elements)
      more.push([`All lists of one message together have at most ${count(limits.elements, 'element')}.`]);
    if (costs.empty > limits.empty)
      more.push([`Elements that take no bytes: at most ${grouped(limits.empty)} in one message.`]);
    if (costs.text > limits.text)
      more.push([`All texts of one message together have at most ${count(limits.text, 'byte')}.`]);
    this.#refused.push({ title, types: isChoice ? shape.cases.map(({ name }) => name) : [], refusals, more });
    return blocks;
  }

  #message(one: Case, { tag, before }: Extract<Shape, { is: 'choice' }>, describer: Describer): void {
    const { entries, derived } = one.group;
    describer.message(say`${one.name}`, one.name, (place) => {
      const tags = one.tags ?? [one.tag];
      const isOther = one.tags?.length === 0;
      const values = isOther
        ? say`any that no other message has`
        : join(
            tags.map((each) => say`${tagText(each)}`),
            ' or ',
          );
      describeMembers(entries, derived, place, 0, before);
      if (tag.from === 'prefix') {
        const start = place.sheet.rows.length;
        const drawn = place.sheet.cells.length;
        describeField(tag.node, place.with({ name: 'tag' }));
        const row = place.sheet.rows[start]!;
        place.sheet.rows[start] = { ...row, about: [say`Here ${values}.`] };
        const cell = place.sheet.cells[drawn];
        if (cell !== undefined && !isOther)
          place.sheet.cells[drawn] = {
            ...cell,
            label: `tag = ${join(
              tags.map((each) => [String(each)]),
              ', ',
            ).join('')}`,
          };
      } else if (tag.from === 'path')
        place.sheet.notes.push(say`It is this message if ${tag.path} is ${values}.`);
      else if (tag.from === 'parameter')
        place.sheet.notes.push(say`It is this message if the parameter ${tag.name} is ${values}.`);
      describeMembers(entries, derived, place, before);
    });
  }

  /** A frame with that message, and the meaning of every byte. */
  #example(codec: AnyDeclared, type: string | undefined, framing: Framing, side: Part['side']): Block[] {
    const given = [
      ...(side === 'server' ? [] : (this.#examples.client ?? [])),
      ...(side === 'client' ? [] : (this.#examples.server ?? [])),
    ].find((one) => type === undefined || (one as { type?: string }).type === type);
    const made = given === undefined ? sampleOf(codec, type) : { bytes: Buffer.from(codec.encode(given)) };
    if ('reason' in made) {
      const where = type === undefined ? side : `${side}: ${type}`;
      this.#gaps.push({
        where,
        what: `no example: ${made.reason}`,
        instead: 'the message is described without one',
      });
      return [paragraph(['No example could be generated from the declaration alone.'])];
    }
    const payload = made.bytes;
    let frame: Buffer;
    try {
      frame = framed(framing.writer(), payload);
    } catch (error) {
      return [paragraph(say`The example cannot be framed: ${showThrown(error)}`)];
    }
    this.#made.push({ side, codec, framing, type, payload, frame });
    const at = payloadAt(framing, payload, frame);
    const head = at < 0 ? [] : frame.subarray(0, at);
    const tail = at < 0 ? [] : frame.subarray(at + payload.length);
    // The header is part of the payload, and the framing fills in the length in it.
    const isFilledIn = at < 0 && framing.layout?.kind === 'lengthPrefix' && frame.length === payload.length;
    const around = (bytes: ArrayLike<number>, about: Text): Text[][] =>
      bytes.length === 0 ? [] : [[[code(hexOf(bytes))], about]];
    const rows = [
      ...(at < 0 && !isFilledIn
        ? around(frame, say`the whole frame, as the framing changes the bytes of the payload, which is:`)
        : []),
      ...around(head, [`framing: before the ${count(payload.length, 'byte')} of the payload`]),
      ...exampleRows(explain(codec, isFilledIn ? frame : payload)),
      ...around(tail, ['framing: after the payload']),
    ];
    return [
      paragraph(['An example, as it is sent:']),
      { is: 'code', text: hexLines(frame) },
      { is: 'table', head: ['bytes', 'what they are'], rows },
    ];
  }

  #gapBlocks(): Block[] {
    const { session } = this.#protocol;
    const states = [...(session?.table.states.values() ?? [])];
    const always: Text[] = [
      [
        'Why a program sends a message, what the values in it mean, and what the receiver does with it: the application decides.',
      ],
      ...(session === undefined
        ? []
        : [['Which answer or state it is, if a message may have several: the application decides.']]),
      ...(states.some(({ unsolicited, final }) => unsolicited === undefined && !final)
        ? [['What the server may send unasked, in the states where nothing is said of it.']]
        : []),
      [
        'Where the bytes travel: any reliable stream in both directions will do, if each side can end its own direction, such as TCP.',
      ],
      [
        'The names of errors, and which of several faults is named, are wirepipe’s. Neither is sent; other implementations may name them differently.',
      ],
    ];
    const own = this.#gaps.map(
      ({ where, what, instead }) => say`${where}: ${[what.replaceAll('\n', ' ')]}; ${[instead]}.`,
    );
    return [{ is: 'list', items: [...own, ...always] }];
  }
}

function prefaceSentences(protocol: DocumentedProtocol): Text[] {
  const sentences: Text[] = [];
  for (const [side, { preface }] of [
    ['client', fromClient(protocol)],
    ['server', fromServer(protocol)],
  ] as const) {
    if (preface === undefined) continue;
    sentences.push(
      say`Before its first frame the ${[side]} sends the ${[count(preface.length, 'byte')]} ${hexOf(preface)} (hex). Other bytes are refused.`,
    );
  }
  const refused = refusalOf(protocol);
  if (refused !== undefined)
    sentences.push(
      say`To a client that begins with other bytes the server sends ${hexOf(refused)} (hex), and closes.`,
    );
  return sentences;
}

/** The messages in a table: name, tag, size. */
function overview({ tag, before, cases }: Extract<Shape, { is: 'choice' }>): Block[] {
  const where =
    tag.from === 'prefix'
      ? tagWords(tag.node, before)
      : tag.from === 'path'
        ? say`The field ${tag.path} tells the messages apart.`
        : say`The messages do not say which they are: the parameter ${tag.from === 'parameter' ? tag.name : ''} does.`;
  const rows = cases.map((one): Text[] => {
    const { min, max } = sizeOfCase(one, tag.from === 'prefix' ? tag.node : undefined);
    const tags =
      one.tags?.length === 0
        ? ([['any other']] as Text[])
        : (one.tags ?? [one.tag]).map((each) => say`${tagText(each)}`);
    const size =
      min === max
        ? grouped(min)
        : Number.isFinite(max)
          ? `${grouped(min)} to ${grouped(max)}`
          : `${grouped(min)} or more`;
    return [say`${one.name}`, join(tags, ', '), [size]];
  });
  return [paragraph(where), { is: 'table', head: ['message', 'tag', 'bytes of its payload'], rows }];
}

/** The place and the type of the tag, in words. */
function tagWords(node: AnyNode, before: number): Text {
  const shape = node.kind.shape(node);
  const type =
    shape.is === 'integer'
      ? say`, ${integerType(shape).name},`
      : shape.is === 'varint'
        ? [', a varint,']
        : [];
  const place = before === 0 ? 'at the beginning of the payload' : 'in the payload';
  return [`The tag ${place}`, ...type, ' tells the messages apart.'];
}

function sizeOfCase({ group: { facts } }: Case, tag: AnyNode | undefined): { min: number; max: number } {
  const own = tag?.facts.size ?? { min: 0, max: 0 };
  return { min: facts.size.min + own.min, max: facts.size.max + own.max };
}

function sheetBlocks({ title, message, cells, rows, notes }: Sheet): Block[] {
  const table = rows.map(({ at, name, size, type, about }): Text[] => [
    at === undefined ? [''] : [grouped(at)],
    [code(name)],
    size,
    type,
    about.length === 0 ? ['Any value.'] : join(about),
  ]);
  const drawn = cells.filter(({ bits }) => bits !== 0);
  return [
    heading(message === undefined ? 4 : 3, title),
    ...(notes.length === 0 ? [] : [{ is: 'list', items: notes } as const]),
    ...(drawn.length === 0 ? [] : [{ is: 'packet', cells: drawn } as const]),
    ...(table.length === 0
      ? [paragraph(['It has no fields.'])]
      : [{ is: 'table', head: ['offset', 'field', 'size', 'type', 'what it holds'], rows: table } as const]),
  ];
}

/** The offset of the payload in its frame; −1 if the framing changes its bytes. Other payloads of that length have the same offset. */
function payloadAt(framing: Framing, payload: Buffer, frame: Buffer): number {
  if (frame.equals(payload)) return 0;
  if (payload.length === 0) return -1;
  try {
    const [one, other] = [0x31, 0x32].map((byte) =>
      framed(framing.writer(), Buffer.alloc(payload.length, byte)),
    );
    const at = one!.findIndex((byte, index) => byte !== other![index]);
    const isThere = one!.length === frame.length && frame.subarray(at, at + payload.length).equals(payload);
    return at >= 0 && isThere ? at : -1;
  } catch {
    return -1;
  }
}

/** Hex with sixteen bytes a line. */
function hexLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, 512); at += 16) lines.push(hexOf(bytes.subarray(at, at + 16)));
  return `${lines.join('\n')}${bytes.length > 512 ? '\n…' : ''}`;
}

function isDeclared(codec: unknown): codec is AnyDeclared {
  return typeof (codec as Partial<AnyDeclared>).declaration?.root?.kind?.shape === 'function';
}
