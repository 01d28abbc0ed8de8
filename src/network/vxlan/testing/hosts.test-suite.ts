import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ContainerId, NetworkId } from '../../../core/model/index.ts';
import { mountPointsBelow, unmount } from '../../../linux/mount.ts';
import type { Attached, HostNetworks, Network } from '../../port.ts';
import type { Drift } from '../reconciler.ts';

/** What a command came to; both outputs in one. */
export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command in a network namespace: `nsenter` alone, so that the files are the test's. */
export function runIn(netns: string, words: readonly string[], input = ''): Ran {
  const { status, stdout, stderr } = spawnSync('nsenter', [`--net=${netns}`, ...words], { encoding: 'utf8', input, timeout: 20_000 });
  return { code: status, output: stdout + stderr };
}

/** As `runIn`, and throws where it fails. */
export function mustRunIn(netns: string, words: readonly string[], input = ''): string {
  const { code, output } = runIn(netns, words, input);
  if (code !== 0) throw new Error(`${words.join(' ')}: ${output}`);
  return output;
}

const NODE_DRIVER = join(import.meta.dirname, 'driver.test-suite.ts');

/** Machines on one switch, each a network namespace with eth0 at 192.0.2.<n>. `outside` is none of them, at 192.0.2.254. */
export class TestHosts {
  readonly #prefix = `cvt${process.pid % 100_000}${Math.floor(performance.now()) % 1000}`;
  readonly #hosts: TestHost[] = [];
  readonly outside: string;

  constructor(mtus: readonly number[]) {
    this.outside = this.#namespace('u');
    mustRunIn(this.outside, ['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    mustRunIn(this.outside, ['ip', 'link', 'set', 'br0', 'up', 'mtu', '9000']);
    mustRunIn(this.outside, ['ip', 'addr', 'add', '192.0.2.254/24', 'dev', 'br0']);
    for (const [index, mtu] of mtus.entries()) {
      const number = index + 1;
      const netns = this.#namespace(String(number));
      mustRunIn(this.outside, [
        'ip',
        'link',
        'add',
        `p${number}`,
        'mtu',
        String(mtu),
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'mtu',
        String(mtu),
        'netns',
        netns,
      ]);
      mustRunIn(this.outside, ['ip', 'link', 'set', `p${number}`, 'master', 'br0', 'up']);
      mustRunIn(netns, ['sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1']);
      mustRunIn(netns, ['ip', 'addr', 'add', `192.0.2.${number}/24`, 'dev', 'eth0']);
      mustRunIn(netns, ['ip', 'link', 'set', 'eth0', 'up']);
      mustRunIn(netns, ['ip', 'route', 'add', 'default', 'via', '192.0.2.254']);
      this.#hosts.push(new TestHost(number, netns, mtu));
    }
  }

  host(number: number): TestHost {
    const host = this.#hosts[number - 1];
    if (host === undefined) throw new Error(`there is no host ${number}`);
    return host;
  }

  /** One that can't be cleaned up is no reason to leave the others. */
  async close(): Promise<void> {
    const cleaned = await Promise.allSettled(this.#hosts.map((host) => host.cleanUp()));
    for (const name of ['u', ...this.#hosts.map(({ number }) => String(number))]) spawnSync('ip', ['netns', 'del', this.#prefix + name]);
    const failed = cleaned.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #namespace(name: string): string {
    execFileSync('ip', ['netns', 'add', this.#prefix + name]);
    const path = `/run/netns/${this.#prefix}${name}`;
    mustRunIn(path, ['ip', 'link', 'set', 'lo', 'up']);
    return path;
  }
}

export class TestHost {
  readonly number: number;
  readonly netns: string;
  readonly mtu: number;
  readonly runDir = mkdtempSync(join(tmpdir(), 'caravela-overlay-'));
  daemon: TestDaemon | undefined;

  constructor(number: number, netns: string, mtu: number) {
    this.number = number;
    this.netns = netns;
    this.mtu = mtu;
  }

  get shortId(): string {
    return `${this.number}`.repeat(12);
  }

  /** A daemon of this host: there is one at a time. @param environment beside the test's own */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<TestDaemon> {
    this.daemon = new TestDaemon(this, environment);
    await this.daemon.ready;
    return this.daemon;
  }

  run(words: readonly string[], input = ''): Ran {
    return runIn(this.netns, words, input);
  }

  must(words: readonly string[], input = ''): string {
    return mustRunIn(this.netns, words, input);
  }

  /** All that rules the network here, in lines to compare: without times, numbers that the kernel counts up, and order. */
  dump(): string {
    const volatile =
      /^\d+: |@\S+|<[^>]*>|\blinkdown\b|\b(valid_lft|preferred_lft|\w+_timer|port_id|port_no|designated_port|link-netns\S*|qlen|state) +\S+|\\/gm;
    const lines = (text: string): string =>
      text
        .replace(volatile, ' ')
        .replace(/ +/g, ' ')
        .split('\n')
        .filter((line) => line !== '')
        .sort()
        .join('\n');
    return [
      lines(this.must(['ip', '-details', '-oneline', 'link'])),
      lines(this.must(['ip', '-oneline', 'addr'])),
      lines(this.must(['ip', 'route', 'show', 'table', 'all'])),
      this.must(['ip', 'rule']),
      lines(this.must(['ip', 'neigh', 'show', 'nud', 'permanent'])),
      lines(this.must(['bridge', 'fdb', 'show']).replace(/.* dev cv\w{6}[bv].*/g, '')),
      // The netdev family is apart: shortcuts are made when there is time.
      ...['ip', 'ip6', 'inet', 'arp', 'bridge'].map((family) => this.must(['nft', '--stateless', 'list', 'ruleset', family])),
      this.must(['sysctl', 'net.ipv4.ip_forward', 'net.ipv4.conf.all', 'net.ipv4.conf.default', 'net.ipv4.conf.eth0', 'net.bridge']),
    ].join('\n');
  }

  async cleanUp(): Promise<void> {
    await this.daemon?.kill();
    for (const point of await mountPointsBelow(this.runDir)) unmount(point);
    rmSync(this.runDir, { recursive: true, force: true });
  }
}

/** A driver process as a `Network`. */
export class TestDaemon implements Network {
  readonly ready: Promise<unknown>;
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<void>;
  #last = 0;
  #isOver = false;

  constructor({ netns, runDir, shortId }: TestHost, environment: Readonly<Record<string, string>>) {
    this.#child = spawn('nsenter', [`--net=${netns}`, process.execPath, NODE_DRIVER, runDir, shortId], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    // Whoever waits for an answer hears that it has ended.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.errors.push(text));
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', () => {
        this.#isOver = true;
        for (const { reject } of this.#waiting.values()) reject(this.#end());
        resolve();
      });
    });
    if (this.#child.stdout === null) throw new Error('no pipe from the driver');
    createInterface(this.#child.stdout).on('line', (line) => {
      const { id, value, error } = JSON.parse(line) as { id: number; value?: unknown; error?: string };
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
  }

  makeNamespace = (id: ContainerId): Promise<string> => this.#call('makeNamespace', id) as Promise<string>;
  removeNamespace = (id: ContainerId): Promise<void> => this.#do('removeNamespace', id);
  want = (state: HostNetworks): void => void this.#call('want', state);
  settled = (networks?: readonly NetworkId[]): Promise<void> => this.#do('settled', networks);
  attach = (endpoint: Attached): Promise<void> => this.#do('attach', endpoint);
  detach = (container: ContainerId, network: NetworkId): Promise<void> => this.#do('detach', { container, network });
  shortened = (): Promise<void> => this.#do('shortened');
  drift = (): Promise<Drift> => this.#call('drift') as Promise<Drift>;
  timeAttach = (endpoints: readonly Attached[]): Promise<number[]> => this.#call('timeAttach', endpoints) as Promise<number[]>;
  removeAll = (): Promise<void> => this.#do('removeAll');

  /** Asks `known` of the two containers that the contract knows and of those with endpoints. */
  recover = (known: (id: ContainerId) => boolean, endpoints: readonly Attached[]): Promise<void> =>
    this.#do('recover', {
      known: [...['a', 'b'].map((digit) => digit.repeat(64) as ContainerId), ...endpoints.map(({ container }) => container)].filter(known),
      endpoints,
    });

  async close(): Promise<void> {
    await this.#do('close');
    await this.kill();
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #do(call: string, argument?: unknown): Promise<void> {
    await this.#call(call, argument);
  }

  #end(): Error {
    return new Error(`the driver ended: ${this.errors.join('')}`);
  }

  #call(call: string, argument?: unknown): Promise<unknown> {
    if (this.#isOver) return Promise.reject(this.#end());
    this.#last += 1;
    const id = this.#last;
    this.#child.stdin?.write(`${JSON.stringify({ id, call, argument })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
}
