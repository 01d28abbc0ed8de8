/** As `matchesGlob`, part by part between slashes: as Go's path.Match has it, by which Docker matches names of images. */
export function matchesPath(pattern: string, path: string): boolean {
  const [patterns, parts] = [pattern.split('/'), path.split('/')];
  return patterns.length === parts.length && patterns.every((each, i) => matchesGlob(each, parts[i] ?? ''));
}

/** `*` stands for any text, also none; everything else for itself. Takes time proportional to pattern × text at worst. */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return pattern === text;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
