import { headers, type MsgHdrs } from '@nats-io/transport-node';

const UNTIL = 'Wirepipe-Until';
const TIMEOUT = 'Wirepipe-Timeout';
const INBOX = 'Wirepipe-Inbox';
const ID = 'Nats-Msg-Id';

/** The headers of a persistent command in its queue. */
export const QueueHeader = {
  /**
   * @param until - milliseconds since 1970 after which the command is not sent any more
   * @param timeout - milliseconds for its reply
   * @param inbox - the subject for its outcome; empty if no answer is wanted
   */
  make(until: number, timeout: number, inbox: string): MsgHdrs {
    const made = headers();
    made.set(UNTIL, String(until));
    made.set(TIMEOUT, String(timeout));
    if (inbox !== '') made.set(INBOX, inbox);
    return made;
  },
  until: (header: MsgHdrs): number => Number(header.get(UNTIL)),
  timeout: (header: MsgHdrs): number => Number(header.get(TIMEOUT)) || 30_000,
  inbox: (header: MsgHdrs): string => header.get(INBOX),
  id: (header: MsgHdrs): string => header.get(ID),
};
