import { constants, openSync } from 'node:fs';
import { Duplex } from 'node:stream';
import tty from 'node:tty';

/**
 * A serial device, or any other terminal, as a raw stream of bytes, at the speed configured with `stty -F /dev/ttyUSB0
 * 115200`.
 *
 * @throws the system's error, or a TypeError if the path is not a terminal
 */
export function openSerialDevice(path: string): Duplex {
  return new SerialDevice(openSync(path, constants.O_RDWR | (constants.O_NOCTTY ?? 0)));
}

class SerialDevice extends Duplex {
  readonly #input: tty.ReadStream;
  readonly #output: tty.WriteStream;

  constructor(fd: number) {
    super();
    this.#input = new tty.ReadStream(fd);
    this.#input.setRawMode(true);
    this.#output = new tty.WriteStream(fd);
    this.#input.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) this.#input.pause();
    });
    this.#input.on('end', () => this.push(null));
    for (const stream of [this.#input, this.#output]) {
      // Reading a line that has hung up fails with EIO: that is its end.
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EIO') this.push(null);
        else this.destroy(error);
      });
    }
  }

  override _read(): void {
    this.#input.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#output.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#input.destroy();
    this.#output.destroy();
    done(error);
  }
}
