import { CODEC_SCHEMA, serverCodec } from './codec.ts';
import { FRAMING_SCHEMA, framing } from './framing.ts';
import { record, type Schema } from './part.ts';
import { RULES } from './rules.ts';
import { SESSION_SCHEMA } from './session.ts';
import { FORMAT, PREFACE, VERSION } from './to-json.ts';
import { SCALARS, TYPES } from './types.ts';
import { VALUE_SCHEMA } from './value.ts';

const TYPE_SCHEMA: Schema = {
  anyOf: [
    { enum: [...SCALARS.keys()] },
    {
      type: 'object',
      properties: { ref: { type: 'string' } },
      required: ['ref'],
      additionalProperties: false,
    },
    ...Object.entries(TYPES).map(([maker, { parts }]) => {
      const { properties, required = [] } = record(parts).schema as {
        properties: object;
        required?: readonly string[];
      };
      return {
        type: 'object',
        properties: { is: { const: maker }, ...properties },
        required: ['is', ...required],
        additionalProperties: false,
      };
    }),
  ],
};

/** The JSON Schema (2020-12) of the result of `toJSON`. It describes the structure; `fromJSON` also checks names and numbers. */
export const protocolSchema: Schema = Object.freeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'A protocol of wirepipe: declaration, framing and session',
  type: 'object',
  properties: {
    format: { const: FORMAT },
    version: { const: VERSION },
    name: { type: 'string', minLength: 1 },
    framing: framing.schema,
    preface: record(PREFACE).schema,
    definitions: { type: 'object', additionalProperties: { $ref: '#/$defs/type' } },
    clientMessages: { $ref: '#/$defs/codec' },
    serverMessages: serverCodec.schema,
    session: SESSION_SCHEMA,
    replies: record(RULES).schema,
  },
  required: ['format', 'version', 'name', 'framing', 'definitions', 'clientMessages', 'serverMessages'],
  additionalProperties: false,
  $defs: {
    type: TYPE_SCHEMA,
    value: VALUE_SCHEMA,
    codec: CODEC_SCHEMA,
    framing: FRAMING_SCHEMA,
  },
});
