import { createServer, defineProtocol, defineSession } from 'wirepipe';
import { framing, replies, requests } from './tcp.ts';

/** The most registers of one request (Modbus Application Protocol 1.1b3, section 6.3). */
const MOST = 125;

/** A server of holding registers over TCP, for every unit. */
export function holdingServer(holding: number[]) {
  /** The exception code for a range of registers; undefined if the range is valid. */
  const refusal = (address: number, count: number): 'illegalValue' | 'illegalAddress' | undefined => {
    if (count < 1 || count > MOST) return 'illegalValue';
    return address + count > holding.length ? 'illegalAddress' : undefined;
  };
  const session = defineSession({
    receives: requests,
    sends: replies,
    initial: 'ready',
    states: {
      ready: {
        on: {
          readHolding({ transaction, unit, address, count }) {
            const head = { transaction, unit };
            const reason = refusal(address, count);
            if (reason !== undefined) return { send: { type: 'failed', tag: 0x83, ...head, reason } };
            return { send: { type: 'holding', ...head, registers: holding.slice(address, address + count) } };
          },
          writeRegister({ transaction, unit, address, value }) {
            const head = { transaction, unit };
            const reason = refusal(address, 1);
            if (reason !== undefined) return { send: { type: 'failed', tag: 0x86, ...head, reason } };
            holding[address] = value;
            return { send: { type: 'registerWritten', ...head, address, value } };
          },
          writeRegisters({ transaction, unit, address, count, values }) {
            const head = { transaction, unit };
            const reason = refusal(address, count);
            if (reason !== undefined) return { send: { type: 'failed', tag: 0x90, ...head, reason } };
            holding.splice(address, count, ...values);
            return { send: { type: 'registersWritten', ...head, address, count } };
          },
          readCoils: ({ transaction, unit }) => ({
            send: { type: 'failed', tag: 0x81, transaction, unit, reason: 'illegalFunction' },
          }),
          readInput: ({ transaction, unit }) => ({
            send: { type: 'failed', tag: 0x84, transaction, unit, reason: 'illegalFunction' },
          }),
        },
      },
    },
  });
  return createServer(
    defineProtocol({ name: 'modbus', framing, clientMessages: requests, serverMessages: replies, session }),
  );
}
