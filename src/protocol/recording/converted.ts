/**
 * The list or plain object with each of its values converted: itself, if every value stays as it is. Most messages need no
 * change, so most are not copied.
 *
 * @param value - a list, or an object whose own enumerable properties count
 * @param convert - returns its argument if that needs no change
 */
export function converted(value: object, convert: (one: unknown) => unknown): object {
  if (Array.isArray(value)) {
    const items = value.map(convert);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const names = Object.keys(value);
  let isSame = isPlain(value);
  const values = names.map((name) => {
    const own = (value as Record<string, unknown>)[name];
    const to = convert(own);
    if (to !== own) isSame = false;
    return to;
  });
  return isSame ? value : Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

/** JSON shows other objects in another way, or not at all. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
