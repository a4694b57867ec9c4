/** All ways of cutting a vector: whole, byte by byte, and in two at every position. */
export function* chunkings(bytes: Buffer): Generator<[name: string, chunks: Buffer[]]> {
  yield ['whole', [bytes]];
  yield ['byte by byte', Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))];
  for (let at = 1; at < bytes.length; at++)
    yield [`split at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]];
}
