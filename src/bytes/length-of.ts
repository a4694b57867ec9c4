const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')!;

/**
 * How many bytes there are, whatever a property of that name says: a subclass, or the object itself, may have a `length` of its own,
 * and memory that was not written would be sent for bytes that are not there. Throws a TypeError for a Proxy.
 */
export function lengthOf(bytes: Uint8Array): number {
  return get!.call(bytes);
}
