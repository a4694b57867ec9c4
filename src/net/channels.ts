import { type Channel, channel } from 'node:diagnostics_channel';

/**
 * The channels of `node:diagnostics_channel` on which servers publish. A tool subscribes by name, and needs to know nothing else
 * of the program. A channel without subscribers costs the check of one flag.
 *
 * | channel | publishes | with |
 * | --- | --- | --- |
 * | `wirepipe:connection:open` | a peer has connected | `connection` |
 * | `wirepipe:connection:close` | it is gone | `connection`, `error`, `received` and `sent` (bytes), `duration` (ms) |
 * | `wirepipe:connection:message` | a message has come | `connection`, `message`, `state` |
 * | `wirepipe:connection:transition` | the session went to another state | `connection`, `from`, `to` |
 * | `wirepipe:connection:limit` | a limit was reached | `connection` (undefined if refused), and the event `limit` |
 * | `wirepipe:connection:fault` | an error is about to end the connection | `connection`, `error` |
 */
export const channels: {
  readonly open: Channel;
  readonly close: Channel;
  readonly message: Channel;
  readonly transition: Channel;
  readonly limit: Channel;
  readonly fault: Channel;
} = {
  open: channel('wirepipe:connection:open'),
  close: channel('wirepipe:connection:close'),
  message: channel('wirepipe:connection:message'),
  transition: channel('wirepipe:connection:transition'),
  limit: channel('wirepipe:connection:limit'),
  fault: channel('wirepipe:connection:fault'),
};
