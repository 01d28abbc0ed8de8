import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { parseCpus } from '../lib/cpus.ts';
import { type Cidr, formatCidr, parseCidr } from '../lib/ipv4.ts';
import { parseMemory } from '../lib/size.ts';
import { CPU_CLASSES, type CpuClass, LIMITS } from '../core/model/index.ts';
import { readConfigFile } from './config-file.ts';
import { whyNoSubnet } from './networking/special-blocks.ts';
import { checkNodeName, nodeNameFrom } from './node-name.ts';

/** What the client hands over for `create` and `join`, as typed. Absent: the configuration file's, else the default. */
export interface InitRequest {
  readonly command: 'create' | 'join';
  readonly dataDir: string;
  readonly runDir: string;
  readonly machineIp?: string;
  /** `IP[:PORT]`, at join. */
  readonly bootstrap?: string;
  readonly token?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly class?: string;
  readonly advertise?: string;
  readonly interface?: string;
  readonly port?: number;
  readonly gossipPort?: number;
  readonly agreementPort?: number;
  readonly vxlanPort?: number;
  /** Of the default network, at create. */
  readonly defaultSubnet?: string;
  readonly reserveCpus?: string;
  readonly reserveMemory?: string;
  readonly overcommit?: number;
  readonly open?: boolean;
  readonly insecureRegistries?: readonly string[];
  readonly config?: string;
}

/** The same with defaults filled in and every value checked. */
export interface InitOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly class: CpuClass;
  readonly ip: string | undefined;
  readonly interface: string | undefined;
  readonly port: number;
  readonly gossipPort: number;
  readonly agreementPort: number;
  readonly vxlanPort: number;
  readonly defaultSubnet: Cidr;
  readonly reserveCpuMillicores: number;
  readonly reserveMemoryBytes: number;
  readonly overcommit: number;
  readonly open: boolean;
  readonly insecureRegistries: readonly string[];
  readonly leasesEndAfterDays: number;
}

export const DEFAULT_PORT = 8001;
export const DEFAULT_GOSSIP_PORT = 8000;
export const DEFAULT_VXLAN_PORT = 4789;
export const DEFAULT_AGREEMENT_PORT = 2380;
export const DEFAULT_SUBNET = '10.210.0.0/16';
export const DEFAULT_LEASES_END_AFTER_DAYS = 7;
/** Smaller ones are used up by a handful of nodes. */
const SUBNET_PREFIXES = { shortest: 8, longest: 24 };

/** @throws Error naming the value and what is allowed */
export function initOptions(request: InitRequest): InitOptions {
  const file = readConfigFile(request.config);
  const wishedName = request.name ?? file.node.name;
  const reserveCpus = request.reserveCpus ?? file.node.reserve_cpus ?? '0';
  const reserveMemory = request.reserveMemory ?? file.node.reserve_memory ?? '0';
  return {
    name: wishedName === undefined ? nodeNameFrom(hostname()) : checkNodeName(wishedName),
    labels: checkLabels({ ...file.node.labels, ...request.labels }),
    class: checkClass(request.class ?? file.node.class ?? 'low'),
    ip: request.machineIp ?? request.advertise ?? file.node.advertise,
    interface: request.interface ?? file.node.interface,
    port: checkPort(request.port ?? file.node.port ?? DEFAULT_PORT, '--port'),
    gossipPort: checkPort(request.gossipPort ?? file.node.gossip_port ?? DEFAULT_GOSSIP_PORT, '--gossip-port'),
    agreementPort: checkPort(request.agreementPort ?? file.node.agreement_port ?? DEFAULT_AGREEMENT_PORT, '--agreement-port'),
    vxlanPort: checkPort(request.vxlanPort ?? file.instance.vxlan_port ?? DEFAULT_VXLAN_PORT, '--vxlan-port'),
    defaultSubnet: checkSubnet(request.defaultSubnet ?? file.instance.default_subnet ?? DEFAULT_SUBNET),
    reserveCpuMillicores: Math.round(parseCpus(reserveCpus) / 1e6),
    reserveMemoryBytes: parseMemory(reserveMemory),
    overcommit: checkOvercommit(request.overcommit ?? file.node.overcommit ?? 1),
    open: request.open ?? file.instance.open ?? false,
    insecureRegistries: (request.insecureRegistries ?? file.instance.insecure_registries ?? []).map(checkRegistry),
    leasesEndAfterDays: file.instance.leases_end_after_days ?? DEFAULT_LEASES_END_AFTER_DAYS,
  };
}

export interface Bootstrap {
  readonly host: string;
  readonly port: number;
}

/** `IP`, `IP:PORT`, `[IPv6]:PORT`, or a host name in place of the IP. @throws Error naming the value */
export function parseBootstrap(text: string): Bootstrap {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::(\d+))?$/.exec(text);
  if (bracketed?.[1] !== undefined && isIP(bracketed[1]) === 6) return { host: bracketed[1], port: portOf(bracketed[2]) };
  if (isIP(text) === 6) return { host: text, port: DEFAULT_PORT };
  const plain = /^([A-Za-z0-9.-]+)(?::(\d+))?$/.exec(text);
  if (plain?.[1] === undefined) throw new Error(`${JSON.stringify(text)} is not an address of a node: write IP or IP:PORT`);
  return { host: plain[1], port: portOf(plain[2]) };
}

function portOf(text: string | undefined): number {
  return text === undefined ? DEFAULT_PORT : checkPort(Number(text), 'the bootstrap node’s port');
}

function checkPort(port: number, what: string): number {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${what} must be 1 to 65535, got ${port}`);
  return port;
}

function checkSubnet(text: string): Cidr {
  const subnet = parseCidr(text);
  const { shortest, longest } = SUBNET_PREFIXES;
  if (subnet === undefined || formatCidr(subnet) !== text || subnet.prefix < shortest || subnet.prefix > longest) {
    throw new Error(
      `--default-subnet must be an IPv4 block from /${shortest} to /${longest} such as ${DEFAULT_SUBNET}, got ${JSON.stringify(text)}`,
    );
  }
  const why = whyNoSubnet(subnet);
  if (why !== undefined) throw new Error(`--default-subnet ${why}`);
  return subnet;
}

function checkClass(text: string): CpuClass {
  const known = CPU_CLASSES.find((name) => name === text);
  if (known === undefined) throw new Error(`--class must be ${CPU_CLASSES.join(' or ')}, got ${JSON.stringify(text)}`);
  return known;
}

function checkOvercommit(factor: number): number {
  if (!(factor > 0 && factor <= 100)) throw new Error(`--overcommit must be a number above 0, at most 100, got ${factor}`);
  return factor;
}

function checkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels);
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (entries.length > LIMITS.labels || bytes > LIMITS.labelBytes) {
    throw new Error(
      `a node may have ${LIMITS.labels} labels of ${LIMITS.labelBytes} bytes in all: these are ${entries.length} of ${bytes} bytes`,
    );
  }
  return labels;
}

function checkRegistry(text: string): string {
  if (!/^([A-Za-z0-9.-]+(:\d+)?|[0-9A-Fa-f.:]+\/\d{1,3})$/.test(text))
    throw new Error(`${JSON.stringify(text)} is not a registry: write HOST, HOST:PORT or a network such as 10.0.0.0/8, without http://`);
  return text;
}
