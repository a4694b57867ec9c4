import { testVector, type VectorField } from '../../../protocol/recording/test-vector.ts';
import type { ViewMessage } from '../document.ts';
import { leavesOf, valueText } from '../show-event.ts';

/** The ways to copy a message. */
export const FORMATS = {
  hex: ({ bytes }: ViewMessage): string => bytes,
  JSON: (message: ViewMessage): string =>
    JSON.stringify(plainOf(message.value ?? message.error), undefined, 2),
  'test vector': vectorOf,
} as const;

/** Literal bytes with a comment for each field. */
function vectorOf(message: ViewMessage): string {
  const fields = leavesOf(message).map(
    ([path, start, end, value]): VectorField => [path, start, end, valueText(value)],
  );
  return testVector(message.bytes, fields);
}

/** Plain JSON: the values for which `$` stands, as text. */
function plainOf(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(plainOf);
  const { $: special } = json as { $?: unknown };
  if (typeof special === 'string') return special.replace(/^x|n$/g, '');
  return Object.fromEntries(Object.entries(special ?? json).map(([name, one]) => [name, plainOf(one)]));
}

/** Put a text on the clipboard; false if the browser does not allow it. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page opened from a file may have no clipboard. The older way uses a selection.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
