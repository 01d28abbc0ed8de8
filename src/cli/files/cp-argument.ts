/** One side of `cp`. */
export type CpArgument =
  | { readonly kind: 'local'; readonly path: string }
  /** `path` is relative to the container's root, whatever it begins with. */
  | { readonly kind: 'container'; readonly container: string; readonly path: string };

/**
 * Docker's rules: what begins with a slash or a dot, or has no colon, is on this machine, else the first colon
 * parts the container from the path in it. @throws RangeError
 */
export function parseCpArgument(text: string): CpArgument {
  if (text === '') throw new RangeError('a path is empty: write CONTAINER:PATH or a path of this machine');
  const colon = text.indexOf(':');
  if (text.startsWith('/') || text.startsWith('.') || colon < 0) return { kind: 'local', path: text };
  const [container, path] = [text.slice(0, colon), text.slice(colon + 1)];
  if (container === '')
    throw new RangeError(
      `${JSON.stringify(text)} names no container before its colon; a file of that name is ${JSON.stringify(`./${text}`)}`,
    );
  if (path === '') throw new RangeError(`${JSON.stringify(text)} has no path after its colon: the root is ${JSON.stringify(`${text}/`)}`);
  return { kind: 'container', container, path };
}
