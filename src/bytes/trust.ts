/**
 * The classes whose objects keep no view of bytes that they are given, once the call that gave them is over. Memory that
 * is to be used again goes to no others: whatever a user wrote may keep what it likes.
 */
const trusted = new WeakSet<object>();

/** The methods that bytes pass. An object that has one of them as its own has been changed by somebody. */
const METHODS = [
  'write',
  '_write',
  '_writev',
  'push',
  'emit',
  'read',
  'accept',
  'acceptBatch',
  'produce',
  'produceBatch',
  'next',
  'take',
  'writeAll',
  'seal',
];

/** Trust the objects of a class; those of a subclass are not among them. */
export function trust(prototype: object): void {
  trusted.add(prototype);
}

/** Whether an object is of a trusted class, with that class's methods. */
export function isTrusted(object: object | undefined): boolean {
  return (
    object !== undefined &&
    trusted.has(Object.getPrototypeOf(object)) &&
    !METHODS.some((method) => Object.hasOwn(object, method))
  );
}
