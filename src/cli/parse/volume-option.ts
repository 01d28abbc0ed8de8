/** What `-v` asks for: a volume that nobody names, or what the API calls a bind. */
export type VolumeOption =
  | { readonly kind: 'anonymous'; readonly target: string }
  /** `SOURCE:TARGET[:OPTIONS]`, the source absolute or a volume's name. */
  | { readonly kind: 'bind'; readonly bind: string };

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;
const OPTIONS = new Set('ro rw z Z nocopy private rprivate shared rshared slave rslave consistent cached delegated'.split(' '));
const FORMS = 'write NAME:/path, /host/path:/path or /path, each with :ro where it is only read';

/** `[SOURCE:]TARGET[:OPTIONS]`. A source that begins with a dot is relative to the directory one is in. @throws RangeError */
export function parseVolumeOption(text: string, workingDir: string): VolumeOption {
  const parts = text.split(':');
  const [first = '', target, options] = parts;
  const wrong = (why: string): RangeError => new RangeError(`${JSON.stringify(text)} is no volume: ${why}; ${FORMS}`);
  if (parts.length > 3 || parts.includes('')) throw wrong(parts.length > 3 ? 'it has more than three parts' : 'a part is empty');
  if (target === undefined) {
    if (!first.startsWith('/')) throw wrong('a path in the container begins with /');
    return { kind: 'anonymous', target: first };
  }
  if (!target.startsWith('/')) throw wrong('its path in the container does not begin with /');
  const unknown = options?.split(',').find((option) => !OPTIONS.has(option));
  if (unknown !== undefined) throw wrong(`${JSON.stringify(unknown)} is none of its options`);
  const isPath = first.startsWith('/') || first.startsWith('.') || first.startsWith('~');
  if (!isPath && !NAME.test(first)) throw wrong(`${JSON.stringify(first)} is neither a path nor a name`);
  const source = first.startsWith('.') ? absolute(first, workingDir) : first;
  if (source.startsWith('~')) throw wrong('~ is for your shell: write the path in full');
  return { kind: 'bind', bind: [source, target, ...(options === undefined ? [] : [options])].join(':') };
}

function absolute(path: string, workingDir: string): string {
  const parts: string[] = [];
  for (const part of `${workingDir}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
