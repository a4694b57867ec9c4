import { aText, callback, checkOptions, delayOrNever, integer } from '../options.ts';
import { defineSession, type Session } from '../protocol/session/session.ts';
import { type ClientMessage, clientMessages, type ServerMessage, serverMessages } from './messages.ts';

export type DroneState = 'handshake' | 'authenticated' | 'closing';

/** The context of a connection to the drone. */
export interface DroneContext {
  /** Remaining attempts to authenticate. */
  attempts: number;
}

export type DroneSession = Session<ClientMessage, ServerMessage, DroneState, DroneContext>;

export interface DroneOptions {
  /** The token that authenticates a client. Default `'HELLO'`. */
  token?: string | undefined;
  /** Attempts per connection; the last wrong token closes the connection. Default 1. */
  authAttempts?: number | undefined;
  /** Milliseconds within which a client must authenticate. Default: no limit. */
  handshakeTimeout?: number | undefined;
  /** Milliseconds that an authenticated client may be silent. Default: no limit. */
  idleTimeout?: number | undefined;
  /** Called with each accepted command, before the answer; a drone moves here. */
  onCommand?: ((command: ClientMessage) => void) | undefined;
}

/**
 * The drone's side of a connection.
 *
 *     handshake ──write token──▶ authenticated ──quit──▶ closing
 *         └────────write anything else, no attempt left─────▲
 *
 * An application error (a command before the handshake, a second token) gets an error message, and the connection goes
 * on.
 *
 * @throws RangeError when `authAttempts` is not a positive integer
 */
export function droneSession(options: DroneOptions = {}): DroneSession {
  checkOptions('droneSession', options, {
    ...{ token: aText, authAttempts: integer(1), onCommand: callback },
    ...{ handshakeTimeout: delayOrNever, idleTimeout: delayOrNever },
  });
  const { token = 'HELLO', authAttempts = 1, handshakeTimeout, idleTimeout, onCommand } = options;
  return defineSession({
    receives: clientMessages,
    sends: serverMessages,
    initial: 'handshake',
    ready: 'authenticated',
    context: (): DroneContext => ({ attempts: authAttempts }),
    states: {
      handshake: {
        on: {
          write: {
            outcomes:
              authAttempts > 1
                ? { authenticated: 'ok', handshake: 'error', closing: 'error' }
                : { authenticated: 'ok', closing: 'error' },
            handle({ text }, context) {
              if (text === token) return { send: ok('AUTH_OK'), next: 'authenticated' };
              context.attempts--;
              return { send: error('AUTH_FAILED'), next: context.attempts > 0 ? 'handshake' : 'closing' };
            },
          },
        },
        otherwise: {
          outcomes: { handshake: 'error' },
          handle: () => ({ send: error('EXPECTED_HANDSHAKE') }),
        },
        ...(handshakeTimeout !== undefined && { deadline: { within: handshakeTimeout } }),
      },
      authenticated: {
        on: {
          move: {
            outcomes: { authenticated: 'ok' },
            handle(command) {
              onCommand?.(command);
              return { send: ok(`MOVING_TO(${command.x}, ${command.y})`) };
            },
          },
          changeColor: {
            outcomes: { authenticated: 'ok' },
            handle(command) {
              onCommand?.(command);
              return { send: ok(`COLOR_SET(${command.r}, ${command.g}, ${command.b})`) };
            },
          },
          quit: {
            outcomes: { closing: 'ok' },
            handle(command) {
              onCommand?.(command);
              return { send: ok('BYE'), next: 'closing' };
            },
          },
        },
        otherwise: {
          outcomes: { authenticated: 'error' },
          handle: () => ({ send: error('WRONG_STATE') }),
        },
        ...(idleTimeout !== undefined && { deadline: { idle: idleTimeout } }),
      },
      closing: {
        final: true,
        otherwise: {
          outcomes: { closing: 'error' },
          handle: () => ({ send: error('CONNECTION_CLOSED') }),
        },
      },
    },
  });
}

/** The drone's session, with the token `HELLO` and one attempt. */
export const session: DroneSession = droneSession();

function ok(text: string): ServerMessage {
  return { type: 'ok', text };
}

function error(text: string): ServerMessage {
  return { type: 'error', text };
}
