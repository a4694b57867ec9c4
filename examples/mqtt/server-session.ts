import { defineSession } from 'wirepipe';
import type { Broker } from './broker.ts';
import { mqtt, mqtt5 } from './packets.ts';
import * as answers from './server-answers.ts';
import { Visit } from './visit.ts';

/** CONNECT is the same in both versions, and AUTH is of 5 alone; then the packets of the client's version go over the line. */
const spoken = ({ version }: Visit) => mqtt.with({ version });

/**
 * The server's side of MQTT 3.1.1 and 5.0, as a table: what is answered is in server-answers.ts, what is to be done with a message is the
 * broker's.
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
      // §3.1: the first packet is CONNECT, and there is one.
      connecting: {
        on: { connect: (message, visit) => answers.connect(message, visit) },
        next: ['authenticating', 'connected', 'refused', 'over'],
      },
      // 5.0 §4.12: as many times as the method wants.
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
        // §3.1.2.10: one and a half times what the client announced.
        timers: { silence: (_, visit) => answers.leave(visit, 'keepAliveTimeout') },
        next: ['over'],
      },
      refused: { sends: spoken, onEnter: (visit) => visit.greeting(), final: true },
      over: { final: true },
    },
  });
}

const PINGRESP: answers.Reply = { send: { type: 'pingresp' } };

/** A sign of life: the client's silence begins anew. */
function alive<Message>(handle: (message: Message, visit: Visit) => answers.Reply) {
  return (message: Message, visit: Visit) => {
    const reply = handle(message, visit);
    const { patience } = visit;
    return patience === undefined || reply.next === 'over'
      ? reply
      : { ...reply, timers: { silence: patience } };
  };
}
