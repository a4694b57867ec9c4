/**
 * The classes whose objects keep no view of the bytes passed to them after the call has returned. Memory that will be reused is passed
 * only to such objects, because user code may keep a view.
 */
const trusted = new WeakSet<object>();

/** Trust the objects of a class, but not those of its subclasses. */
export function trust(prototype: object): void {
  trusted.add(prototype);
}

/**
 * Whether an object is of a trusted class, and none of these methods was replaced on the object itself.
 *
 * @param methods - the methods that see the bytes; checking one takes about 30 ns
 */
export function isTrusted(object: object | undefined, methods: readonly string[]): boolean {
  if (object === undefined || !trusted.has(Object.getPrototypeOf(object))) return false;
  for (let i = 0; i < methods.length; i++) if (Object.hasOwn(object, methods[i]!)) return false;
  return true;
}

/** The methods that bytes pass through on their way into a stream or a stage. */
export const TAKING: readonly string[] = ['write', '_write', '_writev', 'accept', 'acceptBatch'];

/** The methods that bytes pass through on their way out of a stream or a stage. */
export const GIVING: readonly string[] = ['push', 'emit', 'read', 'produce', 'produceBatch'];

/** The methods that bytes pass through in a framing's reader or writer. */
export const READING: readonly string[] = ['push', 'next', 'take'];
export const WRITING: readonly string[] = ['write', 'writeAll'];
