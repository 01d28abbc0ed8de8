/** `key` or `key=value`. */
export function labelMatches(wanted: string, labels: Readonly<Record<string, string>>): boolean {
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}
