import { endpointText, Flows, type FlowsOptions } from '../../src/captures/flows.ts';
import { packetReader } from '../../src/captures/packet-reader.ts';

/** The output of one direction: strings for bytes, numbers for gaps, and the other events. */
export interface Told {
  stream: number;
  from: string;
  to: string;
  isClient: boolean;
  events: (string | number)[];
  conflicts: number;
}

/** Read a capture. Returns the output of each direction, in the order of first packets. */
export function flowsOf(file: Uint8Array, options?: FlowsOptions): { streams: Told[]; datagrams: string[] } {
  const seen: { told: Told; first: () => number }[] = [];
  const datagrams: string[] = [];
  const flows = new Flows(
    {
      stream(direction) {
        const events: (string | number)[] = [];
        const told: Told = {
          stream: direction.connection,
          from: endpointText(direction.from),
          to: endpointText(direction.to),
          isClient: direction.isClient,
          events,
          conflicts: 0,
        };
        /** True if the last event is a string that may grow. */
        let isOpen = false;
        const push = (event: string | number): void => {
          isOpen = false;
          events.push(event);
        };
        seen.push({ told, first: () => direction.firstPacket });
        return {
          data(bytes, start, end) {
            const text = bytes.toString('latin1', start, end);
            if (isOpen) events.push(`${events.pop()}${text}`);
            else events.push(text);
            isOpen = true;
          },
          gap: (length) => push(length),
          conflict: () => {
            told.conflicts++;
          },
          end: () => push('<end>'),
          reset: () => push('<reset>'),
        };
      },
      datagram({ from, to, bytes, start, end, length }) {
        const cut = length > end - start ? ` of ${length}` : '';
        datagrams.push(
          `${endpointText(from)} > ${endpointText(to)}: ${bytes.toString('latin1', start, end)}${cut}`,
        );
      },
    },
    options,
  );
  const reader = packetReader();
  reader.push(file);
  while (reader.next()) flows.packet(reader.packet);
  reader.end();
  flows.finish();
  const told = seen.filter(({ first }) => first() > 0).sort((a, b) => a.first() - b.first());
  return { streams: told.map(({ told }) => told), datagrams };
}
