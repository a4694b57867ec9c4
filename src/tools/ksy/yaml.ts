/** A YAML value. The entry `#` of an object is a list of comments, which come before its other entries. */
export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml | undefined };

/** Block-style YAML 1.2. Text that could be read as another type is quoted. */
export function toYaml(value: Yaml): string {
  return `${lines(value).join('\n')}\n`;
}

function lines(value: Yaml): string[] {
  if (Array.isArray(value)) return (value as readonly Yaml[]).flatMap((item) => listItem(item));
  if (typeof value !== 'object') return [scalar(value)];
  return Object.entries(value).flatMap(([key, entry]) => {
    if (entry === undefined) return [];
    if (key === '#') return (entry as readonly string[]).map((text) => `# ${text}`);
    if (typeof entry !== 'object') return [`${plainKey(key)}: ${scalar(entry)}`];
    if (!Array.isArray(entry) && Object.values(entry).every((one) => one === undefined))
      return [`${plainKey(key)}: {}`];
    if (isFlat(entry))
      return [
        `${plainKey(key)}: [${(entry as readonly Yaml[]).map((one) => scalar(one as string)).join(', ')}]`,
      ];
    return [`${plainKey(key)}:`, ...lines(entry).map((line) => `  ${line}`)];
  });
}

function listItem(item: Yaml): string[] {
  const all = lines(item);
  const first = all.findIndex((line) => !line.startsWith('#'));
  return all.map((line, index) => (index < first ? line : `${index === first ? '- ' : '  '}${line}`));
}

function isFlat(value: Yaml): boolean {
  return Array.isArray(value) && value.every((one) => typeof one !== 'object');
}

function scalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return /^[a-z][a-z0-9_]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/.test(value)
    ? value
    : JSON.stringify(value);
}

function plainKey(key: string): string {
  return /^[a-z_-][\w-]*$/i.test(key) && !/^(true|false|null|yes|no|on|off|y|n|-)$/i.test(key)
    ? key
    : /^\d+$/.test(key)
      ? key
      : JSON.stringify(key);
}
