import type { MountRequest } from '../../docker-api/types.ts';
import { parseSize } from '../../lib/size.ts';
import { csvFields } from './csv-fields.ts';

/** Other words for the same. */
const ALIASES: Readonly<Record<string, string>> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };
const TYPES = ['bind', 'volume', 'tmpfs'] as const;
type MountType = (typeof TYPES)[number];
/** Which kinds of mount each of these speaks of; the others speak of all. */
const ONLY_OF: Readonly<Record<string, MountType>> = {
  'bind-propagation': 'bind',
  'bind-nonrecursive': 'bind',
  'bind-create-src': 'bind',
  'volume-nocopy': 'volume',
  'volume-label': 'volume',
  'volume-driver': 'volume',
  'volume-opt': 'volume',
  'volume-subpath': 'volume',
  'tmpfs-size': 'tmpfs',
  'tmpfs-mode': 'tmpfs',
};
const KEYS = ['type', 'source', 'target', 'readonly', 'consistency', ...Object.keys(ONLY_OF)];

/** `type=bind,source=/data,target=/data,readonly`, as `--mount` takes it (docs.docker.com, docker run --mount). @throws RangeError */
export function parseMountOption(text: string): MountRequest {
  const said = new Map<string, string[]>();
  for (const field of csvFields(text)) {
    const at = field.indexOf('=');
    const word = (at < 0 ? field : field.slice(0, at)).trim().toLowerCase();
    const key = ALIASES[word] ?? word;
    if (!KEYS.includes(key)) throw wrong(text, `${JSON.stringify(field)} is none of ${KEYS.join('=, ')}=`);
    const value = at < 0 ? undefined : field.slice(at + 1);
    if (value === undefined && !isFlag(key)) throw wrong(text, `${key} has no value`);
    said.set(key, [...(said.get(key) ?? []), value ?? 'true']);
  }
  return mountOf(text, said);
}

const isFlag = (key: string): boolean => ['readonly', 'bind-nonrecursive', 'bind-create-src', 'volume-nocopy'].includes(key);

function mountOf(text: string, said: ReadonlyMap<string, readonly string[]>): MountRequest {
  const last = (key: string): string | undefined => said.get(key)?.at(-1);
  const flag = (key: string): boolean => readFlag(text, key, last(key));
  const kind = last('type') ?? 'volume';
  const type = TYPES.find((each) => each === kind.toLowerCase());
  if (type === undefined) throw wrong(text, `its type ${JSON.stringify(kind)} is none of ${TYPES.join(', ')}`);
  const misplaced = [...said.keys()].find((key) => ONLY_OF[key] !== undefined && ONLY_OF[key] !== type);
  if (misplaced !== undefined) throw wrong(text, `${misplaced} is for type=${ONLY_OF[misplaced] ?? ''}, not for type=${type}`);
  const target = last('target') ?? '';
  if (!target.startsWith('/')) throw wrong(text, 'it lacks target=/path, absolute in the container');
  const source = last('source');
  if (type === 'bind' && (source === undefined || source === '')) throw wrong(text, 'a bind lacks source=/path, on its node');
  if (type === 'bind' && source?.startsWith('/') !== true) throw wrong(text, 'the source of a bind begins with /');
  if (type === 'tmpfs' && source !== undefined) throw wrong(text, 'a tmpfs has no source');
  return {
    Type: type,
    ...(source === undefined ? {} : { Source: source }),
    Target: target,
    ...(said.has('readonly') ? { ReadOnly: flag('readonly') } : {}),
    ...(said.has('consistency') ? { Consistency: last('consistency') ?? '' } : {}),
    ...details(text, type, said, flag),
  };
}

function details(
  text: string,
  type: MountType,
  said: ReadonlyMap<string, readonly string[]>,
  flag: (key: string) => boolean,
): Partial<MountRequest> {
  const last = (key: string): string => said.get(key)?.at(-1) ?? '';
  const isSaid = [...said.keys()].some((key) => ONLY_OF[key] === type);
  if (!isSaid) return {};
  if (type === 'bind') {
    return {
      BindOptions: {
        ...(said.has('bind-propagation') ? { Propagation: last('bind-propagation') } : {}),
        ...(said.has('bind-nonrecursive') ? { NonRecursive: flag('bind-nonrecursive') } : {}),
        ...(said.has('bind-create-src') ? { CreateMountpoint: flag('bind-create-src') } : {}),
      },
    };
  }
  if (type === 'tmpfs') {
    return {
      TmpfsOptions: {
        ...(said.has('tmpfs-size') ? { SizeBytes: parseSize(last('tmpfs-size')) } : {}),
        ...(said.has('tmpfs-mode') ? { Mode: octal(text, last('tmpfs-mode')) } : {}),
      },
    };
  }
  const driver = said.has('volume-driver') ? { Name: last('volume-driver') } : {};
  const options = said.has('volume-opt') ? { Options: pairs(text, 'volume-opt', said.get('volume-opt') ?? []) } : {};
  return {
    VolumeOptions: {
      ...(said.has('volume-nocopy') ? { NoCopy: flag('volume-nocopy') } : {}),
      ...(said.has('volume-label') ? { Labels: pairs(text, 'volume-label', said.get('volume-label') ?? []) } : {}),
      ...(said.has('volume-subpath') ? { Subpath: last('volume-subpath') } : {}),
      ...(said.has('volume-driver') || said.has('volume-opt') ? { DriverConfig: { ...driver, ...options } } : {}),
    },
  };
}

function pairs(text: string, key: string, values: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const value of values) {
    const at = value.indexOf('=');
    if (value === '' || at === 0) throw wrong(text, `${key} is written KEY=VALUE`);
    found[at < 0 ? value : value.slice(0, at)] = at < 0 ? '' : value.slice(at + 1);
  }
  return found;
}

function octal(text: string, value: string): number {
  if (!/^[0-7]{1,5}$/.test(value)) throw wrong(text, `tmpfs-mode ${JSON.stringify(value)} is no octal number, such as 1777`);
  return Number.parseInt(value, 8);
}

function readFlag(text: string, key: string, value: string | undefined): boolean {
  if (value === undefined || /^(true|1|t)$/i.test(value)) return value !== undefined;
  if (/^(false|0|f)$/i.test(value)) return false;
  throw wrong(text, `${key} is ${JSON.stringify(value)}, neither true nor false`);
}

const wrong = (text: string, why: string): RangeError => new RangeError(`${JSON.stringify(text)} is no mount: ${why}`);
