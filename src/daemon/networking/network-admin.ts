import { randomBytes, randomInt } from 'node:crypto';
import type { AgreedState } from '../../agreement/state/port.ts';
import { NetworkRefused, type NetworkWish } from '../../api/network-service.ts';
import { type AgreedNetwork, DEFAULT_NETWORK, LIMITS, type NetworkId } from '../../core/model/index.ts';
import { type Cidr, formatCidr, formatIpv4, holds, lastOf, overlaps, parseCidr, parseIpv4, sameBlock } from '../../lib/ipv4.ts';
import { chooseSubnet } from './choose-subnet.ts';
import { agreeing } from './network-refusals.ts';
import { whyNoSubnet } from './special-blocks.ts';

/** RFC 7348 §4: 24 bits; the low ones are left to people. */
const FIRST_VNI = 4_096;
const VNIS = 2 ** 24;
/** Subnets below have no room for a gateway and two containers, above they are larger than any private block. */
const PREFIXES = { shortest: 8, longest: 29 };
const LEAST_MTU = 576;
const MOST_MTU = 65_485;
/** Times a VNI that was just taken, or a subnet that was just chosen elsewhere, is chosen anew. */
const TRIES = 8;

export interface NetworkAdminParts {
  readonly state: AgreedState;
  /** This host's routes that are none of ours, and the underlay's addresses as /32: what a subnet must not hold. */
  taken(): readonly { readonly block: Cidr; readonly what: string }[];
  readonly wallMs: () => number;
}

/** Makes networks: checks what was asked, chooses what was not, agrees on it. */
export class NetworkAdmin {
  readonly #parts: NetworkAdminParts;

  constructor(parts: NetworkAdminParts) {
    this.#parts = parts;
  }

  /** @throws NetworkRefused */
  async create(wish: NetworkWish): Promise<AgreedNetwork> {
    checkName(wish.name);
    const mtu = mtuOf(wish.options);
    const asked = wish.subnet === undefined ? undefined : this.#checkSubnet(wish.subnet);
    for (let tries = 0; tries < TRIES; tries++) {
      const subnet = asked ?? this.#chosen();
      const { name, internal, labels, options } = wish;
      const network: AgreedNetwork = {
        id: randomBytes(32).toString('hex') as NetworkId,
        name,
        subnet,
        gateway: wish.gateway === undefined ? subnet.base + 1 : gatewayIn(subnet, wish.gateway),
        vni: randomInt(FIRST_VNI, VNIS),
        internal,
        mtu,
        labels,
        options,
        createdAtMs: this.#parts.wallMs(),
      };
      const created = await agreeing('making a network', () => this.#parts.state.createNetwork(network));
      if (created.ok) return network;
      if (created.clash === 'name') throw new NetworkRefused('conflict', `network with name ${name} already exists`);
      if (created.clash === 'subnet' && asked !== undefined) throw subnetTaken(asked, created.with);
    }
    throw new NetworkRefused('failed', `no free ${wish.subnet === undefined ? 'subnet' : 'VNI'} was found in ${TRIES} tries: try again`);
  }

  /** @throws NetworkRefused */
  async ofSubnet(text: string): Promise<AgreedNetwork> {
    const subnet = blockOf(text);
    const same = () => this.#parts.state.networks().find((network) => sameBlock(network.subnet, subnet));
    const there = same();
    if (there !== undefined) return there;
    const name = `net-${formatCidr(subnet).replace(/[./]/g, '-')}`;
    try {
      return await this.create({ name, subnet: text, gateway: undefined, internal: false, labels: {}, options: {} });
    } catch (error) {
      // Somebody may have made it meanwhile, under any name.
      const made = error instanceof NetworkRefused ? same() : undefined;
      if (made === undefined) throw error;
      return made;
    }
  }

  #checkSubnet(text: string): Cidr {
    const subnet = blockOf(text);
    const clash = this.#parts.state.networks().find((network) => overlaps(network.subnet, subnet));
    if (clash !== undefined) throw subnetTaken(subnet, clash);
    const taken = this.#parts.taken().find(({ block }) => overlaps(block, subnet));
    if (taken !== undefined) {
      throw new NetworkRefused('forbidden', `subnet ${formatCidr(subnet)} overlaps ${taken.what}: choose another subnet`);
    }
    return subnet;
  }

  #chosen(): Cidr {
    const { state } = this.#parts;
    if (state.networks().length >= LIMITS.networks) {
      throw new NetworkRefused(
        'forbidden',
        `there are ${LIMITS.networks} networks already, the most there may be: remove some with "network prune"`,
      );
    }
    const subnet = chooseSubnet([...state.networks().map((network) => network.subnet), ...this.#parts.taken().map(({ block }) => block)]);
    if (subnet === undefined)
      throw new NetworkRefused('forbidden', 'no subnet is free in the pools of private addresses: name one with --subnet');
    return subnet;
  }
}

function blockOf(text: string): Cidr {
  const subnet = parseCidr(text);
  if (subnet === undefined) {
    throw new NetworkRefused('invalid', `invalid subnet ${JSON.stringify(text)}: write an IPv4 block such as 10.20.0.0/16`);
  }
  const { prefix } = subnet;
  if (prefix < PREFIXES.shortest || prefix > PREFIXES.longest) {
    throw new NetworkRefused('invalid', `subnet ${formatCidr(subnet)} must have a prefix of /${PREFIXES.shortest} to /${PREFIXES.longest}`);
  }
  const why = whyNoSubnet(subnet);
  if (why !== undefined) throw new NetworkRefused('invalid', `subnet ${why}`);
  return subnet;
}

function gatewayIn(subnet: Cidr, text: string): number {
  const gateway = parseIpv4(text);
  if (gateway === undefined) throw new NetworkRefused('invalid', `invalid gateway ${JSON.stringify(text)}: write an IPv4 address`);
  if (!holds(subnet, gateway) || gateway === subnet.base || gateway === lastOf(subnet)) {
    throw new NetworkRefused(
      'invalid',
      `no matching subnet for gateway ${formatIpv4(gateway)}: it must be a host's address in ${formatCidr(subnet)}`,
    );
  }
  return gateway;
}

function subnetTaken(subnet: Cidr, by: AgreedNetwork): NetworkRefused {
  return new NetworkRefused(
    'forbidden',
    `Pool overlaps with other one on this address space: ${formatCidr(subnet)} with ${formatCidr(by.subnet)} of network ${by.name}. Choose another subnet.`,
  );
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** They mean something of their own wherever a network is named. */
const RESERVED: readonly string[] = ['none', 'host', 'bridge', 'default', DEFAULT_NETWORK];

function checkName(name: string): void {
  if (!NAME.test(name) || name.length > LIMITS.longNameBytes) {
    throw new NetworkRefused(
      'invalid',
      `invalid network name ${JSON.stringify(name.slice(0, 80))}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 1 to ${LIMITS.longNameBytes} characters`,
    );
  }
  if (RESERVED.includes(name)) throw new NetworkRefused('forbidden', `operation is not permitted on predefined ${name} network`);
}

const MTU_OPTIONS = ['mtu', 'com.docker.network.driver.mtu'];

function mtuOf(options: Readonly<Record<string, string>>): number | undefined {
  const text = MTU_OPTIONS.flatMap((key) => (Object.hasOwn(options, key) ? [options[key]] : []))[0];
  if (text === undefined) return undefined;
  const mtu = Number(text);
  if (!Number.isInteger(mtu) || mtu < LEAST_MTU || mtu > MOST_MTU) {
    throw new NetworkRefused('invalid', `option mtu must be a whole number from ${LEAST_MTU} to ${MOST_MTU}, got ${JSON.stringify(text)}`);
  }
  return mtu;
}
