import { safeText } from '../../bytes/show.ts';
import { type Check, checkOptions, integer } from '../../options.ts';
import { type Direction, fromClient, fromServer, type ProtocolLines } from '../../protocol/direction.ts';
import type { Declaration } from '../../protocol/fields/engine/declaration.ts';
import type { SessionTable } from '../../protocol/session/table.ts';
import { type Gap, gapText } from '../gap.ts';
import { requireParts } from '../require-parts.ts';
import { FieldReaders } from './field-readers.ts';
import { cutterOf, delimitersOf } from './framing-cutters.ts';
import { luaComment, luaNumber, luaString, luaTable } from './lua.ts';
import { FieldNames, filterName } from './names.ts';
import { FIELDS } from './runtime/fields.ts';
import { FRAMINGS } from './runtime/framings.ts';
import { READING } from './runtime/reading.ts';
import { STREAM } from './runtime/stream.ts';
import { SUMS_IN_LUA } from './runtime/sums.ts';
import { SumsUsed } from './sums-used.ts';

/** The parts of a protocol that a dissector is made from. */
export interface DissectableProtocol extends ProtocolLines {
  readonly name: string;
  readonly clientMessages: object;
  readonly serverMessages: object;
  readonly session?: { readonly table: SessionTable } | undefined;
}

export interface DissectorOptions {
  /** The server's port, which tells the two directions apart; a preference in Wireshark. Default: none, so the user sets it there. */
  port?: number | undefined;
  /** The first part of its filter names. Default: the name of the protocol, in lower case. */
  name?: string | undefined;
}

/** The result of `toDissector`. */
export interface Dissector {
  /** The file: Lua for Wireshark and tshark. */
  readonly lua: string;
  /** The first part of its filter names. */
  readonly name: string;
  /** What the file cannot express, and what it has instead; the head of the file lists the gaps too. */
  readonly gaps: readonly Gap[];
}

/** The version of the generated filter names and preferences. */
const FORMAT = 1;

/**
 * A dissector for Wireshark and tshark (4.0 or later), in Lua, from the declarations of a protocol: its framing, its messages and
 * their fields. Parts that only program code knows are shown as bytes, and listed as gaps.
 *
 * @throws TypeError or RangeError for invalid options
 *
 * @example
 * writeFileSync('drone.lua', toDissector(drone, { port: 4000 }).lua);
 * // tshark -X lua_script:drone.lua -r flight.pcap -Y 'drone.move.x > 10'
 */
export function toDissector(protocol: DissectableProtocol, options: DissectorOptions = {}): Dissector {
  requireParts('toDissector', protocol);
  checkOptions('toDissector', options, { port: integer(1, 65_535), name: filterPrefix });
  const plain = filterName(protocol.name);
  const name = options.name ?? (/^[a-z]/.test(plain) ? plain : `p${plain}`);
  const fields = new FieldNames();
  const sums = new SumsUsed();
  const gaps: Gap[] = [];
  const lines: string[] = [];
  const sides = { client: fromClient(protocol), server: fromServer(protocol) } as const;

  const isShared = sides.client.messages === sides.server.messages;
  const isSharedFraming = sides.client.framing === sides.server.framing;
  const made = Object.entries(sides).map(([side, direction]) => {
    const context = { side: side as 'client' | 'server', isShared: isSharedFraming, fields, sums, gaps };
    const readers = new FieldReaders(side, isShared, { fields, sums, gaps, lines });
    const { layout } = direction.framing;
    return [
      `${side}.cut = ${cutterOf(layout, context)}`,
      `${side}.delimiters = ${delimitersOf(layout) ?? 'nil'}`,
      `${side}.preface = ${direction.preface === undefined ? 'nil' : luaString(direction.preface)}`,
      `${side}.measures = ${layout?.kind === 'measured'}`,
      isShared && side === 'server'
        ? 'server.codec = client.codec'
        : `${side}.codec = ${codecOf(direction, readers)}`,
    ].join('\n');
  });
  for (const { name: state, line } of protocol.session?.table.states.values() ?? []) {
    if (line === undefined) continue;
    gaps.push({
      where: `state ${state}`,
      what: 'it has a framing or messages of its own',
      instead: 'those of the protocol are used in every state',
    });
  }

  const parameters = parametersOf(sides);
  const lua = [
    head(protocol.name, name, gaps, options.port),
    PROTO(protocol.name, name, options.port),
    READING,
    SUMS_IN_LUA,
    FIELDS,
    FRAMINGS,
    section('What is declared'),
    fields.lua,
    sums.lua,
    ...parameters,
    ...lines,
    ...made,
    REGISTER,
    STREAM,
  ];
  return {
    lua: `${lua
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()}\n`,
    name,
    gaps,
  };
}

const filterPrefix: Check = (name, value) => {
  if (typeof value === 'string' && /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/.test(value)) return;
  throw new TypeError(
    `${name} must be lower-case letters, digits, underscores and dots, and begin with a letter`,
  );
};

function declarationOf({ messages }: Direction): Declaration | undefined {
  return (messages as { readonly declaration?: Declaration }).declaration;
}

function codecOf(direction: Direction, readers: FieldReaders): string {
  const declaration = declarationOf(direction);
  if (declaration === undefined) {
    const { side, gaps } = readers;
    gaps.push({
      where: `${side}: messages`,
      what: 'the codec is code of the program',
      instead: 'their bytes are shown',
    });
    const f = readers.fields.add(['payload'], 'payload', { maker: 'bytes' }, side);
    const read = `bytes({ f = ${f}, label = "payload", size = rest, max = math.huge })`;
    return luaTable({ read, trailing: luaString('ignore'), limits: LIMITS });
  }
  const { root, trailing, limits } = declaration;
  const { elements, empty, text, depth, summed } = limits;
  return luaTable({
    read: readers.root(root),
    trailing: luaString(trailing),
    limits: luaTable({
      elements: luaNumber(elements),
      empty: luaNumber(empty),
      text: luaNumber(text),
      depth: depth === undefined ? undefined : luaNumber(depth),
      summed: summed === undefined ? undefined : luaNumber(summed),
    }),
  });
}

const LIMITS = luaTable({ elements: 'math.huge', empty: 'math.huge', text: 'math.huge' });

/** Lua for the parameters: a preference each, or two if the sides have different values. */
function parametersOf(sides: Readonly<Record<'client' | 'server', Direction>>): string[] {
  const client = declarationOf(sides.client)?.parameters ?? new Map<string, number>();
  const server = declarationOf(sides.server)?.parameters ?? new Map<string, number>();
  const lines: string[] = [];
  for (const name of new Set([...client.keys(), ...server.keys()])) {
    const values = [client.get(name), server.get(name)];
    const differ = values[0] !== undefined && values[1] !== undefined && values[0] !== values[1];
    const preference = (side: string): string => `parameter_${differ ? `${side}_` : ''}${filterName(name)}`;
    const own = (side: string, value: number): void => {
      const about = luaString(`The parameter '${name}'${differ ? ` for messages of the ${side}` : ''}`);
      lines.push(
        `proto.prefs.${preference(side)} = Pref.string(${about}, ${luaString(String(value))}, ${about})`,
      );
    };
    if (differ) for (const [index, side] of ['client', 'server'].entries()) own(side, values[index]!);
    else own('', (values[0] ?? values[1])!);
    const read = (side: string, value: number): string =>
      `(tonumber(proto.prefs.${preference(side)}) or ${luaNumber(value)})`;
    const body = differ
      ? `side == "client" and ${read('client', values[0]!)} or ${read('server', values[1]!)}`
      : read('', (values[0] ?? values[1])!);
    lines.push(`parameters[${luaString(name)}] = function(side) return ${body} end`);
  }
  return lines;
}

function head(protocol: string, name: string, gaps: readonly Gap[], port: number | undefined): string {
  const about = [
    `A dissector of the protocol '${protocol}' for Wireshark and tshark, 4.0 or later. Made by wirepipe, format ${FORMAT}; do not edit.`,
    '',
    'To install it, copy this file into the personal plugin folder of Lua (Help, About Wireshark, Folders), or name it:',
    `  tshark -X lua_script:${name}.lua -r capture.pcap -Y ${name}`,
    port === undefined
      ? `The server's port is a preference: -o ${name}.port:4000; without it, use Decode As.`
      : `The server's port is a preference, ${port} unless given: -o ${name}.port:4000`,
    'Segments that come out of order need -o tcp.reassemble_out_of_order:TRUE.',
    '',
    gaps.length === 0
      ? 'The whole declaration is in this file.'
      : 'Not in this file, and what it has instead:',
    ...gaps.map((gap) => `  ${gapText(gap)}`),
  ];
  return about.map((line) => (line === '' ? '--' : luaComment(safeText(line)))).join('\n');
}

function section(title: string): string {
  return `\n-- ── ${title} ${'─'.repeat(115 - title.length)}\n`;
}

/** The names that the rest of the file uses. */
function PROTO(protocol: string, name: string, port: number | undefined): string {
  return `
local label = ${luaString(protocol.toUpperCase())}
local filter = ${luaString(`${name}.`)}
local well, proto = pcall(Proto.new, ${luaString(name)}, ${luaString(`${protocol} (wirepipe)`)})
if not well then
  -- Wireshark has a protocol of that name.
  filter = "wp_" .. filter
  proto = Proto.new("wp_" .. ${luaString(name)}, ${luaString(`${protocol} (wirepipe)`)})
end

local field, expert, node, made, names, parameters = {}, {}, {}, {}, {}, {}
local client = { name = "client", says = "client to server" }
local server = { name = "server", says = "server to client" }
local transports = { "tcp.port", "udp.port" }

field.from = ProtoField.string(filter .. "from", "From")
field.type = ProtoField.string(filter .. "type", "Message")
field.frame_length = ProtoField.uint64(filter .. "frame.length", "Length", base.DEC)
field.packet = ProtoField.string(filter .. "packet", "Kind of packet")
field.error_code = ProtoField.string(filter .. "error.code", "Error")
field.error_path = ProtoField.string(filter .. "error.path", "Error: field")
field.error_offset = ProtoField.uint32(filter .. "error.offset", "Error: byte", base.DEC)
expert.malformed = ProtoExpert.new(filter .. "malformed", "Malformed", PI_MALFORMED, PI_ERROR)
expert.checksum = ProtoExpert.new(filter .. "checksum", "Wrong checksum", PI_CHECKSUM, PI_ERROR)
expert.truncated = ProtoExpert.new(filter .. "truncated", "Incomplete", PI_MALFORMED, PI_WARN)
expert.joined = ProtoExpert.new(filter .. "joined", "Joined in the middle", PI_SEQUENCE, PI_NOTE)
expert.unexpressed = ProtoExpert.new(filter .. "unexpressed", "Not dissected", PI_UNDECODED, PI_NOTE)

proto.prefs.port = Pref.range("Server ports", ${luaString(port === undefined ? '' : String(port))}, "The ports of servers, which tell the directions apart", 65535)
proto.prefs.heuristic = Pref.bool("Claim connections on other ports", false, "Where the first bytes are a whole message")
proto.prefs.bare = Pref.bool("A datagram is one message", false, "Without the framing")
`;
}

const REGISTER = `
do
  local fields, experts = {}, {}
  for _, one in pairs(field) do fields[#fields + 1] = one end
  for _, one in pairs(expert) do experts[#experts + 1] = one end
  proto.fields, proto.experts = fields, experts
end`;
