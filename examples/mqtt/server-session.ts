import { defineSession } from 'wirepipe';
import type { Broker } from './broker.ts';
import { mqtt, mqtt5 } from './packets.ts';
import * as answers from './server-answers.ts';
import { Visit } from './visit.ts';

/**
 * CONNECT is the same in both versions, and AUTH exists only in 5; after it, the codec of the client's version is used.
 */
const spoken = ({ version }: Visit) => mqtt.with({ version });

/**
 * The server's side of MQTT 3.1.1 and 5.0, as a table. Its answers are in server-answers.ts; the broker distributes the
 * messages.
 */
export function serverSession(broker: Broker) {
  return defineSession({
    receives: mqtt5,
    sends: mqtt5,
    initial: 'connecting',
    ready: 'connected',
    context: () => new Visit(broker),
    dispose: (visit) => visit.end(),
    farewell: (fault, visit) => answers.farewell(fault, visit),
    states: {
      // §3.1: the first packet is CONNECT, and it comes once.
      connecting: {
        on: { connect: (message, visit) => answers.connect(message, visit) },
        next: ['authenticating', 'connected', 'refused', 'over'],
      },
      // 5.0 §4.12: as many times as the method requires.
      authenticating: {
        on: {
          auth: (message, visit) => answers.prove(message, visit),
          disconnect: (message, visit) => answers.goodbye(message, visit),
        },
        next: ['connected', 'refused', 'over'],
      },
      connected: {
        receives: spoken,
        sends: spoken,
        onEnter: (visit) => visit.greeting(),
        on: {
          publish: alive(answers.publish),
          puback: alive(answers.acknowledged),
          pubrec: alive(answers.release),
          pubrel: alive(answers.complete),
          pubcomp: alive(answers.acknowledged),
          subscribe: { outcomes: { connected: ['suback', 'publish'] }, handle: alive(answers.subscribe) },
          unsubscribe: { outcomes: { connected: 'unsuback' }, handle: alive(answers.unsubscribe) },
          pingreq: { outcomes: { connected: 'pingresp' }, handle: alive(() => PINGRESP) },
          auth: alive(answers.proveAgain),
          disconnect: answers.goodbye,
        },
        // §3.1.2.10: one and a half times the client's keep-alive.
        timers: { silence: (_, visit) => answers.leave(visit, 'keepAliveTimeout') },
        next: ['over'],
      },
      refused: { sends: spoken, onEnter: (visit) => visit.greeting(), final: true },
      over: { final: true },
    },
  });
}

const PINGRESP: answers.Reply = { send: { type: 'pingresp' } };

/** A packet has come: restart the keep-alive timer. */
function alive<Message>(handle: (message: Message, visit: Visit) => answers.Reply) {
  return (message: Message, visit: Visit) => {
    const reply = handle(message, visit);
    const { patience } = visit;
    return patience === undefined || reply.next === 'over'
      ? reply
      : { ...reply, timers: { silence: patience } };
  };
}
