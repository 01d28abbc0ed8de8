/** Other names of the same. */
const ARCHES: Readonly<Record<string, string>> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' };

/** The architecture of `os/arch[/variant]`, as nodes call theirs; undefined where only the system is said. @throws RangeError */
export function archOf(platform: string): string | undefined {
  const [, os = '', arch] = /^([a-z0-9_]+)(?:\/([a-z0-9_-]+)(?:\/[a-z0-9]+)?)?$/i.exec(platform) ?? [];
  if (os === '') throw new RangeError(`${JSON.stringify(platform)} is no platform: write linux/amd64 or linux/arm64`);
  const name = arch?.toLowerCase();
  return name === undefined ? undefined : (ARCHES[name] ?? name);
}
