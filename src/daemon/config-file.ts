import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { CPU_CLASSES, type CpuClass } from '../core/model/index.ts';
import { RUNTIME_NAMES, type RuntimeName } from '../engine/oci/runtime.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';

/**
 * The configuration file (TOML). Every key is optional; unknown ones are errors, so that a typo is
 * seen. Flags win over it. `[instance]` is read at `create` only: who joins inherits it.
 */
export interface ConfigFile {
  readonly node: {
    /** Defaults to the host's name. */
    readonly name?: string;
    readonly class?: CpuClass;
    readonly labels?: Readonly<Record<string, string>>;
    /** IP address that other nodes reach this one at. */
    readonly advertise?: string;
    readonly interface?: string;
    /** TCP, default 8001. */
    readonly port?: number;
    /** UDP, default 8000. */
    readonly gossip_port?: number;
    /** TCP between agreement members, default 2380. */
    readonly agreement_port?: number;
    /** Cores kept for the host, as `--cpus` writes them: "0.5". */
    readonly reserve_cpus?: string;
    /** Memory kept for the host, as `--memory` writes it: "256m". */
    readonly reserve_memory?: string;
    readonly overcommit?: number;
  };
  readonly instance: {
    readonly vxlan_port?: number;
    readonly insecure_registries?: readonly string[];
    readonly open?: boolean;
    /** The default network's, as `10.210.0.0/16`. */
    readonly default_subnet?: string;
    /** A node that was not seen for so many days loses its leases: 7. */
    readonly leases_end_after_days?: number;
  };
  readonly engine: {
    /** `runc` or `crun`: which is tried first. Default: crun on cgroup v2, runc on v1. */
    readonly runtime?: RuntimeName;
  };
  readonly log: { readonly level?: LogLevel };
}

type Check = (value: unknown) => string | undefined;

const text: Check = (v) => (typeof v === 'string' && v !== '' ? undefined : 'must be a non-empty string');
const port: Check = (v) => (Number.isInteger(v) && Number(v) > 0 && Number(v) < 65_536 ? undefined : 'must be a port, 1 to 65535');
const flag: Check = (v) => (typeof v === 'boolean' ? undefined : 'must be true or false');
const texts: Check = (v) => (Array.isArray(v) && v.every((x) => typeof x === 'string') ? undefined : 'must be a list of strings');
const factor: Check = (v) => (typeof v === 'number' && v > 0 && v <= 100 ? undefined : 'must be a number above 0, at most 100');
const days: Check = (v) => (typeof v === 'number' && v > 0 && v <= 36_500 ? undefined : 'must be a number of days above 0, at most 36500');
const oneOf =
  (words: readonly string[]): Check =>
  (v) =>
    words.includes(v as string) ? undefined : `must be one of ${words.join(', ')}`;
const textMap: Check = (v) =>
  typeof v === 'object' && v !== null && Object.values(v).every((x) => typeof x === 'string') ? undefined : 'must be a table of strings';

const KEYS: Readonly<Record<keyof ConfigFile, Readonly<Record<string, Check>>>> = {
  node: {
    name: text,
    class: oneOf(CPU_CLASSES),
    labels: textMap,
    advertise: text,
    interface: text,
    port,
    gossip_port: port,
    agreement_port: port,
    reserve_cpus: text,
    reserve_memory: text,
    overcommit: factor,
  },
  instance: { vxlan_port: port, insecure_registries: texts, open: flag, default_subnet: text, leases_end_after_days: days },
  engine: { runtime: oneOf(RUNTIME_NAMES) },
  log: { level: oneOf(LOG_LEVELS) },
};

const NO_CONFIG: ConfigFile = { node: {}, instance: {}, engine: {}, log: {} };

/** @throws Error naming file, key and value, and what is allowed */
export function readConfigFile(path: string | undefined): ConfigFile {
  if (path === undefined || path === '') return NO_CONFIG;
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`cannot read the configuration file ${path}: ${(error as Error).message}`, { cause: error });
  }
  return parseConfig(source, path);
}

export function parseConfig(source: string, path: string): ConfigFile {
  let raw: Record<string, unknown>;
  try {
    raw = parse(source);
  } catch (error) {
    throw new Error(`${path} is not valid TOML: ${(error as Error).message}`, { cause: error });
  }
  for (const [section, body] of Object.entries(raw)) {
    const known = Object.hasOwn(KEYS, section) ? KEYS[section as keyof ConfigFile] : undefined;
    if (known === undefined) throw new Error(`${path}: unknown section [${section}]; known are ${Object.keys(KEYS).join(', ')}`);
    if (typeof body !== 'object' || body === null) throw new Error(`${path}: ${section} must be a section, as in [${section}]`);
    for (const [key, value] of Object.entries(body)) {
      const check = Object.hasOwn(known, key) ? known[key] : undefined;
      if (check === undefined) throw new Error(`${path}: unknown key ${section}.${key}; known are ${Object.keys(known).join(', ')}`);
      const wrong = check(value);
      if (wrong !== undefined) throw new Error(`${path}: ${section}.${key} ${wrong}, got ${JSON.stringify(value)}`);
    }
  }
  return { ...NO_CONFIG, ...raw };
}
