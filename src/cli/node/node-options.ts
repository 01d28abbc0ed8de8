import { type Command, Option } from 'commander';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { collect, integer, value } from '../commands/options.ts';
import type { Settings } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { parseLabels } from '../parse/assignments.ts';
import { parseCpus } from '../../lib/cpus.ts';
import { parseSize } from '../../lib/size.ts';

/** What `create`, `join` and `daemon --seeds` take, as commander gives it. */
export interface NodeOptions {
  readonly name?: string;
  readonly label?: readonly string[];
  readonly class?: string;
  readonly advertise?: string;
  readonly interface?: string;
  readonly port?: number;
  readonly gossipPort?: number;
  readonly agreementPort?: number;
  readonly vxlanPort?: number;
  readonly defaultSubnet?: string;
  readonly reserveCpus?: string;
  readonly reserveMemory?: string;
  readonly overcommit?: number;
  readonly open?: boolean;
  readonly insecureRegistry?: readonly string[];
  readonly token?: string;
  readonly config?: string;
  readonly foreground?: boolean;
}

/** What the daemon's `init create` and `init join` read from stdin, as JSON. What the user did not say is absent. */
export interface InitDocument {
  readonly command: 'create' | 'join';
  readonly dataDir: string;
  readonly runDir: string;
  readonly machineIp?: string | undefined;
  /** `IP[:PORT]` of a node to join through. */
  readonly bootstrap?: string | undefined;
  readonly token?: string | undefined;
  readonly name?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly class?: string | undefined;
  readonly advertise?: string | undefined;
  readonly interface?: string | undefined;
  readonly port?: number | undefined;
  readonly gossipPort?: number | undefined;
  readonly agreementPort?: number | undefined;
  readonly vxlanPort?: number | undefined;
  readonly defaultSubnet?: string | undefined;
  /** As typed, checked: `0.5`, `256m`. */
  readonly reserveCpus?: string | undefined;
  readonly reserveMemory?: string | undefined;
  readonly overcommit?: number | undefined;
  readonly open?: boolean | undefined;
  readonly insecureRegistries?: readonly string[] | undefined;
  /** Absolute. */
  readonly config?: string | undefined;
}

const port = integer(1, 65_535);
/** Reads a value only to refuse it early; the daemon gets it as typed. */
const checked = (parse: (text: string) => unknown) =>
  value((text: string) => {
    parse(text);
    return text;
  });
const ip = value((text: string) => {
  if (isIP(text) === 0) throw new RangeError(`${JSON.stringify(text)} is not an IP address`);
  return text;
});
const factor = value((text: string) => {
  const number = Number(text);
  if (!(number > 0 && number <= 100)) throw new RangeError(`${JSON.stringify(text)} is not a factor above 0, at most 100`);
  return number;
});

/** Options of a node of its own. */
export function addNodeOptions(command: Command): Command {
  return command
    .option('--name <name>', 'its name (the host’s; a taken one gets -2)')
    .option('--label <key=value>', 'a label, for constraints', collect)
    .addOption(new Option('--class <class>', 'its CPU class (low)').choices(['low', 'high']))
    .option('--advertise <ip>', 'the address other nodes reach it at', ip)
    .option('--interface <name>', 'take the address of this interface')
    .option('--port <port>', 'TCP, control (8001)', port)
    .option('--gossip-port <port>', 'UDP, gossip (8000)', port)
    .option('--agreement-port <port>', 'TCP, between agreement members (2380)', port)
    .option('--reserve-cpus <number>', 'CPU kept for the host', checked(parseCpus))
    .option('--reserve-memory <size>', 'memory kept for the host', checked(parseSize))
    .option('--overcommit <factor>', 'offer so many times what there is (1)', factor)
    .option('--config <file>', 'TOML; options win over it')
    .option('--foreground', 'run the daemon here instead of in the background');
}

/** Options of an instance: at create only, who joins inherits them. */
export function addInstanceOptions(command: Command): Command {
  return command
    .option('--vxlan-port <port>', 'UDP, overlay networks (4789)', port)
    .option('--default-subnet <cidr>', 'of the network that containers join by default (10.210.0.0/16)')
    .option('--open', 'let machines join without a token: only on a network where you trust everyone')
    .option('--insecure-registry <host[:port]>', 'a registry without TLS, or whose certificate is not checked', collect);
}

export function initDocument(command: 'create' | 'join', options: NodeOptions, settings: Settings): InitDocument {
  return {
    command,
    dataDir: resolve(settings.dataDir),
    runDir: resolve(settings.runDir),
    token: options.token,
    name: options.name,
    labels: parseLabels(options.label ?? []),
    class: options.class,
    advertise: options.advertise,
    interface: options.interface,
    port: options.port,
    gossipPort: options.gossipPort,
    agreementPort: options.agreementPort,
    vxlanPort: options.vxlanPort,
    defaultSubnet: options.defaultSubnet,
    reserveCpus: options.reserveCpus,
    reserveMemory: options.reserveMemory,
    overcommit: options.overcommit,
    open: options.open,
    insecureRegistries: options.insecureRegistry,
    config: options.config === undefined ? undefined : resolve(options.config),
  };
}

/** The machine's own address, as create and join take it. @throws Failure */
export function machineIp(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new Failure(`${JSON.stringify(text)} is not an IP address of this machine`, EXIT.failed);
}
