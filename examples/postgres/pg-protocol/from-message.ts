import type { Decoded } from 'wirepipe';
import type { serverMessages, serverMessagesOfBytes } from '../server-messages.ts';
import { DatabaseError } from './database-error.ts';

type Message = Decoded<typeof serverMessages> | Decoded<typeof serverMessagesOfBytes>;
type OfType<T extends Message['type']> = Extract<Message, { type: T }>;

/** A message as pg-protocol has it. */
export interface BackendMessage {
  readonly name: string;
  readonly length: number;
}

const STATUS = { idle: 'I', transaction: 'T', failed: 'E' } as const;

/** Where pg-protocol has another name. */
const NAMES: Partial<Record<Message['type'], string>> = {
  emptyQueryResponse: 'emptyQuery',
  copyBothResponse: 'replicationStart',
};

/** A decoded message in the form of pg-protocol. */
export function fromMessage(message: Message, length: number): BackendMessage {
  switch (message.type) {
    case 'dataRow': {
      const fields = message.values as unknown[];
      return { length, fields, name: 'dataRow', fieldCount: fields.length } as BackendMessage;
    }
    case 'authentication':
      return authentication(message, length);
    case 'backendKeyData':
      return {
        name: 'backendKeyData',
        length,
        processID: message.process,
        secretKey: message.secret,
      } as BackendMessage;
    case 'commandComplete':
      return { name: 'commandComplete', length, text: message.tag } as BackendMessage;
    case 'copyData':
      return { name: 'copyData', length, chunk: message.data } as BackendMessage;
    case 'copyInResponse':
    case 'copyOutResponse': {
      const { type: name, format, columns: columnTypes } = message;
      return { name, length, binary: format === 'binary', columnTypes } as BackendMessage;
    }
    case 'error':
    case 'notice':
      return notice(message, length);
    case 'notification': {
      const { process: processId, channel, payload } = message;
      return { name: 'notification', length, processId, channel, payload } as BackendMessage;
    }
    case 'parameterDescription': {
      const { types } = message;
      return {
        name: 'parameterDescription',
        length,
        parameterCount: types.length,
        dataTypeIDs: types,
      } as BackendMessage;
    }
    case 'parameterStatus': {
      const { name: parameterName, value: parameterValue } = message;
      return { name: 'parameterStatus', length, parameterName, parameterValue } as BackendMessage;
    }
    case 'readyForQuery':
      return { name: 'readyForQuery', length, status: STATUS[message.status] } as BackendMessage;
    case 'rowDescription': {
      const fields = message.columns.map((one) => ({
        name: one.name,
        tableID: one.table,
        columnID: one.attribute,
        dataTypeID: one.type,
        dataTypeSize: one.size,
        dataTypeModifier: one.modifier,
        format: one.format,
      }));
      return { name: 'rowDescription', length, fieldCount: fields.length, fields } as BackendMessage;
    }
    default:
      return { name: NAMES[message.type] ?? message.type, length };
  }
}

function authentication({ request }: OfType<'authentication'>, length: number): BackendMessage {
  switch (request.type) {
    case 'ok':
      return { name: 'authenticationOk', length };
    case 'cleartext':
      return { name: 'authenticationCleartextPassword', length };
    case 'md5':
      return { name: 'authenticationMD5Password', length, salt: request.salt } as BackendMessage;
    case 'sasl':
      return { name: 'authenticationSASL', length, mechanisms: request.mechanisms } as BackendMessage;
    case 'saslContinue':
      return { name: 'authenticationSASLContinue', length, data: request.data.toString() } as BackendMessage;
    case 'saslFinal':
      return { name: 'authenticationSASLFinal', length, data: request.data.toString() } as BackendMessage;
    default:
      throw new Error(`Unknown authenticationOk message type ${request.type}`);
  }
}

function notice({ type, fields }: OfType<'error' | 'notice'>, length: number): BackendMessage {
  const {
    message,
    severityCode: _,
    ...all
  } = Object.fromEntries(fields.map(({ field, text }) => [field, text]));
  if (type === 'error') return Object.assign(new DatabaseError(message, length, 'error'), all);
  return { name: 'notice', length, message, ...all } as BackendMessage;
}
