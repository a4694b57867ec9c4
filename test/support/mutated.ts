/** Numbers in [0, 1), the same in each run (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Variants of the bytes: cut, lengthened, or with one to three bytes changed. */
export function mutated(bytes: Uint8Array, random: () => number): Buffer {
  let list = [...bytes];
  const byte = (): number => [0, 1, 0x7f, 0x80, 0xff, Math.floor(random() * 256)][Math.floor(random() * 6)]!;
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
    const at = Math.floor(random() * list.length);
    const kind = Math.floor(random() * 8);
    if (kind === 0) list = list.slice(0, at);
    else if (kind === 1) list.splice(at, 0, byte());
    else if (kind === 2) list.push(byte());
    else if (kind < 6) list[at] = byte();
    else if (list.length > 0) list[at]! ^= 1 << Math.floor(random() * 8);
  }
  return Buffer.from(list);
}
