/** Topic names and filters (MQTT 3.1.1 §4.7). */

/** Whether a filter is one: `+` stands for a whole level, `#` for all that are left, at the end. */
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

/** Whether a filter asks for a share of what fits it (5.0 §4.8.2): `$share/name/filter`. */
export function isShared(filter: string): boolean {
  return filter.startsWith('$share/');
}

/** Whether a message may be published there: it has no wildcard. */
export function isTopic(topic: string): boolean {
  return topic !== '' && !/[+#\0]/.test(topic);
}

/** Whether a topic fits a filter. A wildcard in front does not fit what begins with `$` [MQTT-4.7.2-1]. */
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
