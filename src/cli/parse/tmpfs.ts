/** `/run` or `/run:rw,size=64m`: the path in the container, and mount options, '' for none. @throws RangeError */
export function parseTmpfs(text: string): readonly [path: string, options: string] {
  const colon = text.indexOf(':');
  const [path, options] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  if (!path.startsWith('/')) throw new RangeError(`${JSON.stringify(text)} is no tmpfs: write /path, or /path:size=64m,mode=1777`);
  return [path, options];
}
