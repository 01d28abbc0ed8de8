type Environment = Readonly<Record<string, string | undefined>>;

/** `-e KEY=value`, and `-e KEY`, which takes the value of ours and is dropped where we have none. @throws RangeError */
export function parseEnv(entries: readonly string[], own: Environment): string[] {
  return entries.flatMap((entry) => {
    const name = entry.split('=', 1)[0] ?? '';
    if (name === '')
      throw new RangeError(`${JSON.stringify(entry)} is not an environment variable: write KEY=value, or KEY to pass on your own`);
    if (entry.includes('=')) return [entry];
    const value = own[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/** The lines of an `--env-file`: KEY=value or KEY; `#` begins a comment line. Values are taken as they stand. @throws RangeError */
export function parseEnvFile(text: string, own: Environment): string[] {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const spaced = lines.find((line) => /\s/.test(line.split('=', 1)[0] ?? ''));
  if (spaced !== undefined) throw new RangeError(`the variable of ${JSON.stringify(spaced)} in the env file has white space in its name`);
  return parseEnv(lines, own);
}

/** `-l key=value`; `-l key` gives it the empty value. @throws RangeError */
export function parseLabels(entries: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const entry of entries) {
    const at = entry.indexOf('=');
    const key = at < 0 ? entry : entry.slice(0, at);
    if (key === '') throw new RangeError(`${JSON.stringify(entry)} is not a label: write key=value`);
    labels[key] = at < 0 ? '' : entry.slice(at + 1);
  }
  return labels;
}
