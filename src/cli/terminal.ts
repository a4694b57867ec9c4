import { styleText } from 'node:util';

/** True if stdout is a terminal and NO_COLOR (https://no-color.org) is unset or empty. */
export const colour: boolean = process.stdout.isTTY === true && !process.env.NO_COLOR;

/** The text in a style, if stdout takes colours. */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return colour ? styleText(style, text, { validateStream: false }) : text;
}

/**
 * Exit quietly with status 0 when the reader of stdout goes away, as in `wirepipe … | head`. Node reports that as an
 * 'error' event of stdout.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.stderr.on('error', () => {});
}
