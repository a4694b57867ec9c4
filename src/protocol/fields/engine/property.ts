/** Whether every object has something of that name, which is no value of anybody's message: `toString`. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** A member of a message by name. What every object has under that name counts only where it is the object's own. */
export function property(value: object, name: string): unknown {
  if (isInherited(name) && !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
