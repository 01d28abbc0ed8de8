/** One network that a container is to be on. */
export interface NetworkOption {
  /** Name, id, block, or one of Docker's words: default, none, host, container:NAME. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly ip: string;
  readonly mac: string;
}

const KEYS = ['name', 'alias', 'ip', 'mac-address'];

/** What `--network` takes: `blue`, `10.0.0.0/24`, or `name=blue,alias=www,ip=10.0.0.5,mac-address=…`. @throws RangeError */
export function parseNetworkOption(text: string): NetworkOption {
  if (!text.includes('=')) {
    if (text === '') throw new RangeError('a network needs a name: write --network blue, --network 10.0.0.0/24, or none or host');
    return { name: text, aliases: [], ip: '', mac: '' };
  }
  const aliases: string[] = [];
  const said = new Map<string, string>();
  for (const field of text.split(',')) {
    const at = field.indexOf('=');
    const [key, value] = [field.slice(0, Math.max(0, at)).trim().toLowerCase(), field.slice(at + 1).trim()];
    if (!KEYS.includes(key))
      throw new RangeError(`${JSON.stringify(field)} in the network ${JSON.stringify(text)} is none of ${KEYS.join('=, ')}=`);
    if (value === '') throw new RangeError(`${key} in the network ${JSON.stringify(text)} has no value`);
    if (key === 'alias') aliases.push(value);
    else if (said.has(key)) throw new RangeError(`the network ${JSON.stringify(text)} says ${key} twice`);
    else said.set(key, value);
  }
  const name = said.get('name');
  if (name === undefined) throw new RangeError(`the network ${JSON.stringify(text)} lacks its name: write name=blue,…`);
  return { name, aliases, ip: said.get('ip') ?? '', mac: said.get('mac-address') ?? '' };
}
