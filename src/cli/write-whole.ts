import { writeFile } from 'node:fs/promises';
import { OutFile } from './out-file.ts';

/**
 * Write the file of an `--out` as a whole, or leave what was there.
 *
 * @throws UsageError where there can be no such file
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await new OutFile(file).take((beside) => writeFile(beside, content));
}
