/**
 * The classes whose objects keep no view of bytes that they are given, once the call that gave them is over. Memory that
 * will be reused goes to no other objects: code of a user may keep a view.
 */
const trusted = new WeakSet<object>();

/** Trust the objects of a class; those of a subclass are not among them. */
export function trust(prototype: object): void {
  trusted.add(prototype);
}

/**
 * Whether an object is of a trusted class, and none of these methods was replaced on the object itself.
 *
 * @param methods - those that the bytes pass; few, since each takes some 30 ns
 */
export function isTrusted(object: object | undefined, methods: readonly string[]): boolean {
  if (object === undefined || !trusted.has(Object.getPrototypeOf(object))) return false;
  for (let i = 0; i < methods.length; i++) if (Object.hasOwn(object, methods[i]!)) return false;
  return true;
}

/** What bytes pass on their way into a stream or a stage. */
export const TAKING: readonly string[] = ['write', '_write', '_writev', 'accept', 'acceptBatch'];

/** What bytes pass on their way out of a stream or a stage. */
export const GIVING: readonly string[] = ['push', 'emit', 'read', 'produce', 'produceBatch'];

/** What bytes pass in a framing's reader or writer. */
export const READING: readonly string[] = ['push', 'next', 'take'];
export const WRITING: readonly string[] = ['write', 'writeAll'];
