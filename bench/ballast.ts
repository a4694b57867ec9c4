/**
 * What a server in use has in its heap beside the library. V8 starts with a limit of some 8 MB for old objects and collects all of them each
 * time that buffers push it there: an otherwise empty process stands at that limit, and a megabyte of code decides over a third of its time.
 */
export const ballast: readonly object[] = Array.from({ length: 100_000 }, (_, i) => ({
  i,
  text: `ballast ${i}`,
}));
