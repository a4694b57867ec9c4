/** Whether every object inherits something of that name, which is not a value of a message: `toString`. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** A member of a message by name. What every object has under that name counts only where it is the object's own. */
export function property(value: object, name: string): unknown {
  if (isInherited(name) && !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
