import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { AnyNode, Shape } from '../../../src/protocol/fields/kind.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import type { DocumentedProtocol } from '../../../src/tools/docs/wire-docs.ts';
import { ksyOf, toKsy } from '../../../src/tools/ksy/to-ksy.ts';
import { root } from '../../support/run.ts';

// biome-ignore lint/suspicious/noExplicitAny: any messages
export type AnyCodec = DeclaredCodec<any, any>;

const compiler = path.join(root, 'node_modules/kaitai-struct-compiler');
export const hasCompiler: boolean = existsSync(compiler);

/** Compile a definition to Python; answers the source. Throws what the compiler has to say. */
export async function compileKsy(definition: object): Promise<string> {
  const Compiler = createRequire(import.meta.url)(compiler);
  try {
    const files = (await new Compiler().compile('python', definition, null, false)) as Record<string, string>;
    return Object.values(files)[0]!;
  } catch (error) {
    throw new Error(String((error as Error).message ?? error).slice(0, 600));
  }
}

/** The definition of a codec's messages, as the compiler takes it. */
export function definitionOf(codec: AnyCodec): {
  yaml: object;
  data: Record<string, string[]>;
  gaps: readonly { what: string }[];
} {
  const { definition, root: message } = ksyOf(codec.declaration);
  const types = Object.fromEntries(definition.types.map((type) => [type.name, type.yaml()]));
  const yaml = {
    meta: { id: 'm', endian: 'le', encoding: 'UTF-8' },
    seq: [{ id: 'message', type: message.name }],
    types,
    enums: definition.enums,
  };
  const data = Object.fromEntries(definition.types.map((type) => [className(type.name), type.data]));
  return { yaml: bareOfComments(yaml) as object, data, gaps: definition.gaps };
}

function className(id: string): string {
  return id
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function bareOfComments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bareOfComments);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, one]) => key !== '#' && one !== undefined)
      .map(([key, one]) => [key, bareOfComments(one)]),
  );
}

export interface Job {
  readonly source: string;
  readonly data: Record<string, string[]>;
  readonly payloads: readonly Buffer[];
}

/** What Python makes of the payloads of each job: values in the order of the wire, or null for a refusal. */
export function askPython(jobs: readonly Job[]): (string[] | null)[][] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
  const lines = jobs.map(({ source, data, payloads }, index) => {
    const file = path.join(folder, `m${index}.py`);
    writeFileSync(file, source);
    return JSON.stringify({ file, data, payloads: payloads.map((one) => one.toString('hex')) });
  });
  const script = path.join(import.meta.dirname, 'read_payloads.py');
  const { stdout, stderr, status } = spawnSync('/usr/bin/python3', [script], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as (string[] | null)[]);
}

/** The values of a decoded message in the order of the wire, as Python writes them. */
export function leavesOf({ declaration: { root: node } }: AnyCodec, message: unknown): string[] {
  const out: string[] = [];
  leaves(node, message, out);
  return out;
}

function leaves(node: AnyNode, value: unknown, out: string[]): void {
  if (value === undefined || value === null) return;
  const shape: Shape = node.kind.shape(node);
  switch (shape.is) {
    case 'integer':
      if (shape.bits !== undefined) {
        for (const { name, constant } of shape.bits)
          if (constant === undefined) out.push(numberText((value as Record<string, unknown>)[name]));
      } else out.push(numberText(value, shape.names?.byValue));
      return;
    case 'varint':
    case 'digits':
      out.push(numberText(value, shape.names?.byValue));
      return;
    case 'float': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value as number);
      out.push(Number.isNaN(value) ? 'NaN' : bytes.toString('hex'));
      return;
    }
    case 'bytes':
      out.push(`b${Buffer.from(value as Uint8Array).toString('hex')}`);
      return;
    case 'text':
      out.push(`t${Buffer.from(value as string).toString('hex')}`);
      return;
    case 'list':
      for (const one of value as unknown[]) leaves(shape.item, one, out);
      return;
    case 'group':
      for (const [name, member] of shape.members)
        leaves(member, (value as Record<string, unknown>)[name], out);
      return;
    case 'choice': {
      const one = shape.cases.find(({ name }) => name === (value as { type: string }).type)!;
      for (const [name, member] of one.group.entries)
        leaves(member, (value as Record<string, unknown>)[name], out);
      return;
    }
    case 'maybe':
    case 'inside':
      leaves(shape.item, value, out);
      return;
    case 'sum':
    case 'agreed':
      leaves(shape.base, value, out);
      return;
    default:
      return;
  }
}

function numberText(value: unknown, names?: ReadonlyMap<number, string>): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return String([...names!].find(([, name]) => name === value)![0]);
  return String(typeof value === 'number' ? BigInt(value) : value);
}

export const isThereKaitai: boolean =
  spawnSync('/usr/bin/python3', ['-c', 'import kaitaistruct, yaml']).status === 0;
if (!hasCompiler) console.warn('skipped: kaitai-struct-compiler is not installed');
if (!isThereKaitai) console.warn('skipped: python3-kaitaistruct or python3-yaml is not installed');

/** Compile the text of a file, as a user would, and read a stream by it; answers how many frames there were. */
export async function readFile(
  protocol: unknown,
  from: 'client' | 'server',
  stream: Buffer,
): Promise<number> {
  const { text } = toKsy(protocol as DocumentedProtocol, { from });
  const parsed = spawnSync(
    '/usr/bin/python3',
    ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin.read())))'],
    { input: text, encoding: 'utf8' },
  );
  const source = await compileKsy(JSON.parse(parsed.stdout) as object);
  const program = `${source}\nimport sys\nprint(len(${/^class (\w+)\(/m.exec(source)![1]}.from_bytes(bytes.fromhex(sys.argv[1])).frames))`;
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', program, stream.toString('hex')], {
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr.slice(-1000));
  return Number(stdout);
}
