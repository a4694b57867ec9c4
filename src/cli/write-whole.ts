import { rename, rm, writeFile } from 'node:fs/promises';

/** Write a file as a whole, or leave what was there: into a file beside it, which then takes its name. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(beside, text);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
