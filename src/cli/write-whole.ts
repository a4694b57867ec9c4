import { rename, rm, writeFile } from 'node:fs/promises';

/** Write a file as a whole, or leave what was there: into a file beside it, which then takes its name. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(beside, content);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
