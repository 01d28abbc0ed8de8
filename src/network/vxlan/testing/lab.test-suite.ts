import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { containerId, type PortProtocol } from '../../../core/model/index.ts';
import { formatIpv4 } from '../../../lib/ipv4.ts';
import { cidr, endpointOf, hostNetworksOf, ip, networkOnHost } from '../../contract.test-suite.ts';
import type { Attached, HostNetworks, NetworkOnHost, PublishedPort } from '../../port.ts';
import { runIn, type TestDaemon, type TestHost, TestHosts } from './hosts.test-suite.ts';

/** Where host h leases addresses of network n. */
export const blockOf = (n: number, h: number): NetworkOnHost['subnet'] => cidr(`10.${n}.${h}.0/26`);

export interface LabOptions {
  /** Of each host's underlay. */
  readonly mtus: readonly number[];
  /** By number; the first is the default network. */
  readonly networks: Readonly<Record<number, Partial<NetworkOnHost>>>;
}

/** An interface of a container of the lab. */
export interface LabEndpoint {
  readonly endpoint: Attached;
  readonly netns: string;
  readonly address: string;
}

/** Hosts with daemons, all on the same networks. */
export class Lab {
  readonly hosts: TestHosts;
  readonly #options: LabOptions;
  /** Underlay addresses by number. */
  readonly underlay = new Map<number, string>();
  /** What the kernel of each host had before there was a daemon. */
  readonly before = new Map<number, string>();
  #containers = 0;

  private constructor(options: LabOptions) {
    this.#options = options;
    this.hosts = new TestHosts(options.mtus);
    for (const number of this.#numbers()) this.underlay.set(number, `192.0.2.${number}`);
  }

  static async open(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options);
    try {
      for (const number of lab.#numbers()) lab.before.set(number, lab.host(number).dump());
      await Promise.all(lab.#numbers().map((number) => lab.host(number).start()));
      await lab.want();
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  host(number: number): TestHost {
    return this.hosts.host(number);
  }

  daemon(number: number): TestDaemon {
    const { daemon } = this.host(number);
    if (daemon === undefined) throw new Error(`host ${number} has no daemon`);
    return daemon;
  }

  /** What a host should have. */
  state(h: number, change: Partial<HostNetworks> = {}): HostNetworks {
    const others = this.#numbers().filter((number) => number !== h);
    const underlayIp = (number: number): string => this.underlay.get(number) ?? '';
    const networks = Object.entries(this.#options.networks).map(([n, options]) =>
      networkOnHost(Number(n), {
        blocks: [blockOf(Number(n), h)],
        peers: others.map((number) => ({
          number,
          underlayIp: underlayIp(number),
          underlayMtu: this.host(number).mtu,
          blocks: [blockOf(Number(n), number)],
        })),
        ...options,
      }),
    );
    return hostNetworksOf(networks, {
      self: { number: h, underlayIp: underlayIp(h), underlayMtu: this.host(h).mtu },
      members: others.map((number) => ({ number, underlayIp: underlayIp(number) })),
      ...change,
    });
  }

  /** Tells all hosts what they should have, and waits until they do. */
  async want(changes: Readonly<Record<number, Partial<HostNetworks>>> = {}): Promise<void> {
    await Promise.all(
      this.#numbers().map((number) => {
        this.daemon(number).want(this.state(number, changes[number]));
        return this.daemon(number).settled();
      }),
    );
  }

  /** A new container on a host, on the networks named, the first being its default route. */
  async container(h: number, ...networks: readonly number[]): Promise<LabEndpoint[]> {
    this.#containers += 1;
    const number = this.#containers;
    const container = containerId(number.toString(16).padStart(64, '0'));
    const netns = await this.daemon(h).makeNamespace(container);
    const endpoints: LabEndpoint[] = [];
    for (const [index, n] of networks.entries()) {
      const isDefaultRoute = index === 0 && this.#options.networks[n]?.internal !== true;
      const endpoint = {
        ...endpointOf(container, n, 2),
        address: ip(`10.${n}.${h}.${number + 1}`),
        interfaceName: `eth${index}`,
        isDefaultRoute,
      };
      await this.daemon(h).attach(endpoint);
      await this.daemon(h).shortened();
      endpoints.push({ endpoint, netns, address: formatIpv4(endpoint.address) });
    }
    return endpoints;
  }

  /** A new container on one network. */
  async one(h: number, n: number): Promise<LabEndpoint> {
    const [endpoint] = await this.container(h, n);
    if (endpoint === undefined) throw new Error('no endpoint');
    return endpoint;
  }

  close(): Promise<void> {
    return this.hosts.close();
  }

  #numbers(): number[] {
    return this.#options.mtus.map((_, index) => index + 1);
  }
}

export function portTo({ endpoint }: LabEndpoint, change: Partial<PublishedPort> = {}): PublishedPort {
  const { container, network, address } = endpoint;
  return { container, network, address, protocol: 'tcp', hostIp: 0, hostPort: 8080, containerPort: 80, ...change };
}

/** One echo within a second. */
export function pings(netns: string, address: string, ...options: readonly string[]): boolean {
  return runIn(netns, ['ping', '-c', '1', '-W', '1', '-n', ...options, address]).code === 0;
}

const WHO = `
  const [protocol, port] = process.argv.slice(1);
  if (protocol === 'tcp') {
    require('node:net').createServer((socket) => socket.end(socket.remoteAddress)).listen(+port, '0.0.0.0', () => console.log('up'));
  } else {
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (_, from) => socket.send(from.address, from.port, from.address)).bind(+port, '0.0.0.0', () => console.log('up'));
  }`;
const ASK = `
  const [protocol, address, port, from, waitMs = 1000] = process.argv.slice(1);
  const answered = (text) => { console.log(String(text)); process.exit(0); };
  if (protocol === 'tcp') {
    require('node:net').connect(+port, address).on('data', answered).on('error', (error) => { console.log(error.code); process.exit(1); });
  } else {
    const socket = require('node:dgram').createSocket('udp4').on('message', answered);
    const failed = (error) => { console.log(error.code); process.exit(1); };
    socket.on('error', failed).bind(+from, () => socket.connect(+port, address, (error) => error ? failed(error) : socket.send('?', (unsent) => unsent && failed(unsent))));
  }
  setTimeout(() => { console.log('silence'); process.exit(1); }, +waitMs);`;

/** The same within two seconds. */
export function pingsSoon(netns: string, address: string): boolean {
  return runIn(netns, ['ping', '-c', '1', '-w', '2', '-i', '0.1', '-n', address]).code === 0;
}

/** A server in a namespace that tells each client its address. Ends with the returned function. */
export async function serve(netns: string, port: number, protocol: PortProtocol = 'tcp'): Promise<() => void> {
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', WHO, protocol, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return () => void child.kill('SIGKILL');
}

const SINK = `
  require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('data', (data) => { bytes += data.length; }).on('end', () => socket.end(String(bytes)));
  }).listen(+process.argv[1], '0.0.0.0', () => console.log('up'));`;
const POUR = `
  const [address, port, bytes] = process.argv.slice(1);
  const socket = require('node:net').connect(+port, address);
  socket.on('data', (data) => { console.log(String(data)); process.exit(0); }).end(Buffer.alloc(+bytes));
  setTimeout(() => { console.log('silence'); process.exit(1); }, 3000);`;

/** A server over TCP that tells each client how many bytes it sent. Ends with the returned function. */
export async function sink(netns: string, port: number): Promise<() => void> {
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', SINK, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return () => void child.kill('SIGKILL');
}

/** How many bytes such a server has got of so many, within three seconds. */
export function pour(netns: string, address: string, port: number, bytes: number): string {
  return runIn(netns, [process.execPath, '-e', POUR, address, String(port), String(bytes)]).output.trim();
}

/** What a server tells a client in this namespace: the client's address as it sees it; or what came instead. @param from the client's own port, over UDP */
export function ask(netns: string, address: string, port: number, protocol: PortProtocol = 'tcp', from = 0): string {
  return runIn(netns, [process.execPath, '-e', ASK, protocol, address, String(port), String(from)]).output.trim();
}

/** As `ask`, over UDP, while the test goes on, for longer than the kernel holds a packet back whose receiver's MAC it asks for. */
export async function askMeanwhile(netns: string, address: string, port: number): Promise<string> {
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', ASK, 'udp', address, String(port), '0', '3500'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (await text(child.stdout)).trim();
}
