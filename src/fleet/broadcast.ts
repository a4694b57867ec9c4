import { asError } from '../bytes/show.ts';
import type { FleetError } from '../errors.ts';

export interface BroadcastOptions<Reply> {
  /** The most commands a second. Default 1,000. */
  rate?: number | undefined;
  /** The most commands in flight; more wait. Default 256. */
  maxInFlight?: number | undefined;
  /** As `timeout` of `request`, for each device from the moment its command is sent. */
  timeout?: number | undefined;
  /** Stops sending commands; those not sent yet are refused. */
  signal?: AbortSignal | undefined;
  /** Called with each reply. An error that it throws ends the broadcast. */
  onReply?: ((device: string, reply: Reply) => void) | undefined;
}

/** The result of a broadcast: each device is counted, or named, once. */
export interface BroadcastResult {
  readonly replied: number;
  readonly refused: readonly FleetError[];
  readonly unknown: readonly FleetError[];
}

/** Command devices one after the other, at a bounded rate and with a bounded number in flight. */
export async function broadcast<Reply>(
  devices: readonly string[],
  request: (device: string, options: { timeout?: number; signal?: AbortSignal }) => Promise<Reply>,
  { rate = 1_000, maxInFlight = 256, timeout, signal, onReply }: BroadcastOptions<Reply>,
): Promise<BroadcastResult> {
  const from = performance.now();
  const all = devices.entries();
  const refused: FleetError[] = [];
  const unknown: FleetError[] = [];
  let replied = 0;
  let failed: Error | undefined;
  const worker = async (): Promise<void> => {
    for (const [index, device] of all) {
      if (failed !== undefined) return;
      const wait = from + (index * 1_000) / rate - performance.now();
      if (wait > 0 && !signal?.aborted) await pause(wait, signal);
      try {
        const reply = await request(device, {
          ...(timeout !== undefined && { timeout }),
          ...(signal !== undefined && { signal }),
        });
        replied++;
        onReply?.(device, reply);
      } catch (error) {
        const { code } = error as FleetError;
        if (code === 'ERR_COMMAND_REFUSED') refused.push(error as FleetError);
        else if (code === 'ERR_COMMAND_UNKNOWN') unknown.push(error as FleetError);
        else failed ??= asError(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxInFlight, devices.length) }, worker));
  if (failed !== undefined) throw failed;
  return { replied, refused, unknown };
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
}
