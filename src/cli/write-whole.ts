import { writeFile } from 'node:fs/promises';
import { OutFile } from './out-file.ts';

/**
 * Write the file of an `--out` completely, or leave an existing file unchanged.
 *
 * @throws UsageError if the file cannot be created
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await new OutFile(file).take((beside) => writeFile(beside, content));
}
