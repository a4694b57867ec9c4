/** Every way of cutting that a vector is put through: whole, byte by byte, and at every split in two. */
export function* chunkings(bytes: Buffer): Generator<[name: string, chunks: Buffer[]]> {
  yield ['whole', [bytes]];
  yield ['byte by byte', Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))];
  for (let at = 1; at < bytes.length; at++)
    yield [`split at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]];
}
