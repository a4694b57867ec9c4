/** Whether every object inherits a property of that name, such as `toString`, which is not part of a message. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** A member of a message by name. A name that every object inherits counts only as an own property. */
export function property(value: object, name: string): unknown {
  if (isInherited(name) && !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
