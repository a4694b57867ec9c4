/** Topic names and filters (MQTT 3.1.1 §4.7). */

/** True for a valid topic filter: `+` stands for a whole level, `#` for all remaining levels, at the end. */
export function isFilter(filter: string): boolean {
  const levels = filter.split('/');
  return (
    filter !== '' &&
    levels.every((level, index) => {
      if (level === '+') return true;
      if (level === '#') return index === levels.length - 1;
      return !/[+#\0]/.test(level);
    })
  );
}

/** True for a shared subscription (5.0 §4.8.2): `$share/name/filter`. */
export function isShared(filter: string): boolean {
  return filter.startsWith('$share/');
}

/** True for a valid topic name: it has no wildcard. */
export function isTopic(topic: string): boolean {
  return topic !== '' && !/[+#\0]/.test(topic);
}

/** True if a topic matches a filter. A leading wildcard does not match topics that begin with `$` [MQTT-4.7.2-1]. */
export function matches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
