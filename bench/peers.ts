/** The peers in other languages, those that `bench/peers/build` has built. */
export function builtPeers(_mode: 'forwarded' | 'rewritten'): Record<string, string[]> {
  return {};
}
