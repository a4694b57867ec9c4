/**
 * Heap objects like those of a server in use. V8 starts with a limit of some 8 MB for old objects, and collects all of
 * them each time buffers reach it: an otherwise empty process stays at that limit, and a megabyte of code decides over
 * a third of its time.
 */
export const ballast: readonly object[] = Array.from({ length: 100_000 }, (_, i) => ({
  i,
  text: `ballast ${i}`,
}));
