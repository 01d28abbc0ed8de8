import { formatIpv4, parseCidr } from '../../../src/lib/ipv4.ts';
import type { Prng } from '../../../src/lib/prng.ts';

/** A network as it was acknowledged; `unsure`: perhaps it is there. */
export interface Net {
  readonly name: string;
  readonly subnet: string;
  readonly id: string;
  state: 'there' | 'unsure' | 'gone';
}

export interface Place {
  /** '' while it does not run. */
  address: string;
  /** `--ip`; '' where any would do. */
  readonly asked: string;
  readonly aliases: readonly string[];
}

/** A container as it was acknowledged. */
export interface Box {
  readonly name: string;
  /** '' where the answer to its creation was lost. */
  id: string;
  /** Where it was to be. */
  readonly host: number;
  /** Who was asked for it: its port is served there, too. */
  readonly askedOf: number;
  readonly port: number | undefined;
  readonly nets: Map<string, Place>;
  /** The network by which its port leads to it; undefined: it is closed. */
  openOn: string | undefined;
  state: 'running' | 'stopped' | 'unsure' | 'gone';
  /** Somebody works on it. */
  busy: boolean;
}

/** Subnets of all sizes: the small ones run out, and their addresses change hands all the time. */
const SUBNETS = ['/29', '/28', '/26', '/29', '/24', '/28', '/29', '/22'].map((prefix, i) => `10.${120 + i}.0.0${prefix}`);
export const NAMES = Array.from({ length: 64 }, (_, i) => `box${i}`);
export const PORTS = Array.from({ length: 10 }, (_, i) => 8_100 + i);
export const DEFAULT_NET = 'caravela';

/** What should be there, by what was acknowledged and nothing else. */
export class World {
  readonly random: Prng;
  /** Of the network that every node is on. */
  defaultNetId = '';
  readonly nets: Net[] = [];
  readonly boxes = new Set<Box>();
  /** Names of containers that are gone. */
  readonly goneNames: string[] = [];
  /**
   * Names and ports of containers that are gone, and are about to be made elsewhere. Two that want a name at a time may
   * both have it while its owner is cut off; two that want a port may have it one after the other.
   */
  readonly moving = new Set<string | number>();

  constructor(random: Prng) {
    this.random = random;
  }

  /** undefined: all are taken. */
  freeSubnet(): { readonly name: string; readonly subnet: string } | undefined {
    const free = SUBNETS.filter((subnet) => !this.nets.some((net) => net.subnet === subnet && net.state !== 'gone'));
    const subnet = this.random.pick(free);
    return subnet === undefined ? undefined : { name: `net${SUBNETS.indexOf(subnet)}`, subnet };
  }

  netsThere(): readonly Net[] {
    return this.nets.filter(({ state }) => state === 'there');
  }

  anyNet(): string | undefined {
    return this.random.chance(0.15) ? DEFAULT_NET : this.random.pick(this.netsThere())?.name;
  }

  freeName(): string | undefined {
    const taken = new Set([...this.moving, ...[...this.boxes].map(({ name }) => name)]);
    return this.random.pick(NAMES.filter((name) => !taken.has(name)));
  }

  freePort(): number | undefined {
    const taken = new Set([...this.moving, ...[...this.boxes].map(({ port }) => port)]);
    return this.random.pick(PORTS.filter((port) => !taken.has(port)));
  }

  /** Takes one that nobody works on. */
  take(which: (box: Box) => boolean): Box | undefined {
    const box = this.random.pick([...this.boxes].filter((each) => !each.busy && which(each)));
    if (box !== undefined) box.busy = true;
    return box;
  }

  gone(box: Box): void {
    box.state = 'gone';
    this.boxes.delete(box);
    this.goneNames.push(box.name);
    if (this.goneNames.length > 50) this.goneNames.shift();
  }

  forgetNet(net: Net): void {
    net.state = 'gone';
    this.nets.splice(this.nets.indexOf(net), 1);
  }

  /** Some address of a network for `--ip`: used, free or held elsewhere. */
  addressIn(name: string): string {
    const block = parseCidr(this.nets.find((net) => net.name === name)?.subnet ?? '');
    if (block === undefined) return '';
    return formatIpv4(block.base + 2 + this.random.int(Math.min(20, 2 ** (32 - block.prefix) - 3)));
  }

  gatewayOf(name: string): string {
    if (name === DEFAULT_NET) return '10.210.0.1';
    const block = parseCidr(this.nets.find((net) => net.name === name)?.subnet ?? '');
    return block === undefined ? '' : formatIpv4(block.base + 1);
  }
}
