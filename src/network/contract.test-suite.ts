import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ContainerId, containerId, type NetworkId } from '../core/model/index.ts';
import { parseCidr, parseIpv4 } from '../lib/ipv4.ts';
import type { Attached, HostNetworks, Network, NetworkOnHost } from './port.ts';

const A = containerId('a'.repeat(64));
const B = containerId('b'.repeat(64));

/** For a test: an address that is surely one. */
export function ip(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`${text} is no IPv4 address`);
  return address;
}

export function cidr(text: string): NetworkOnHost['subnet'] {
  const block = parseCidr(text);
  if (block === undefined) throw new Error(`${text} is no block`);
  return block;
}

/** For a test: the n-th network, 10.<n>.0.0/16, of which this host leases 10.<n>.1.0/26. */
export function networkOnHost(n: number, change: Partial<NetworkOnHost> = {}): NetworkOnHost {
  return {
    id: n.toString(16).padStart(64, '0') as NetworkId,
    name: n === 1 ? 'caravela' : `net-${n}`,
    vni: 0x100 + n,
    subnet: cidr(`10.${n}.0.0/16`),
    gateway: ip(`10.${n}.0.1`),
    internal: false,
    mtu: undefined,
    isDefault: n === 1,
    blocks: [cidr(`10.${n}.1.0/26`)],
    peers: [],
    ...change,
  };
}

export function hostNetworksOf(networks: readonly NetworkOnHost[], change: Partial<HostNetworks> = {}): HostNetworks {
  return {
    self: { number: 1, underlayIp: '192.0.2.1', underlayMtu: 1500 },
    vxlanPort: 4789,
    innerRange: cidr('198.18.0.0/15'),
    members: [],
    networks,
    ports: [],
    ...change,
  };
}

export function endpointOf(container: ContainerId, n: number, last: number, change: Partial<Attached> = {}): Attached {
  return {
    container,
    network: networkOnHost(n).id,
    address: ip(`10.${n}.1.${last}`),
    interfaceName: 'eth0',
    isDefaultRoute: true,
    mac: undefined,
    ...change,
  };
}

/** What every adapter of `Network` keeps. `make` is called before each test, `cleanUp` after. */
export function networkContract(name: string, make: () => Promise<Network>, cleanUp: () => Promise<void>): void {
  describe(`network contract: ${name}`, () => {
    let network: Network;
    beforeEach(async () => {
      network = await make();
    });
    afterEach(async () => {
      try {
        await network.removeAll();
        await network.close();
      } finally {
        await cleanUp();
      }
    });

    it('gives each container a namespace, the same one when asked again', async () => {
      const a = await network.makeNamespace(A);
      expect(await network.makeNamespace(B)).not.toBe(a);
      expect(await network.makeNamespace(A)).toBe(a);
    });

    it('removes the namespace that is there and that is not', async () => {
      await network.makeNamespace(A);
      await network.removeNamespace(A);
      await network.removeNamespace(A);
      await network.removeNamespace(B);
      expect(await network.makeNamespace(A)).toContain(A);
    });

    it('removes one namespace twice at a time, as an exit and a removal do', async () => {
      for (let round = 0; round < 20; round++) {
        await network.makeNamespace(A);
        await Promise.all([network.removeNamespace(A), network.removeNamespace(A), network.removeNamespace(A)]);
        expect(await network.makeNamespace(A)).toContain(A);
        await network.removeNamespace(A);
      }
    });

    it('plugs a container into networks, again without harm, and out', async () => {
      network.want(hostNetworksOf([networkOnHost(1), networkOnHost(2)]));
      await network.settled();
      await network.makeNamespace(A);
      const first = endpointOf(A, 1, 2);
      const second = endpointOf(A, 2, 2, { interfaceName: 'eth1', isDefaultRoute: false });
      await network.attach(first);
      await network.attach(first);
      await network.attach(second);
      await network.detach(A, second.network);
      await network.detach(A, second.network);
      await network.attach(second);
      // Taken off the first, it goes out by the second.
      await network.detach(A, first.network);
      await network.attach({ ...second, isDefaultRoute: true });
      await network.attach({ ...second, isDefaultRoute: true });
      await network.removeNamespace(A);
      await expect(network.detach(A, first.network)).resolves.toBeUndefined();
    });

    it('says which network or namespace is missing', async () => {
      network.want(hostNetworksOf([networkOnHost(1)]));
      await network.settled();
      await expect(network.attach(endpointOf(A, 1, 2))).rejects.toThrow(/namespace/);
      await network.makeNamespace(A);
      await expect(network.attach(endpointOf(A, 2, 2))).rejects.toThrow(/network .* is not on this host/);
    });

    it('plugs in a container while its network is only being made', async () => {
      await network.makeNamespace(A);
      network.want(hostNetworksOf([networkOnHost(1)]));
      await expect(network.attach(endpointOf(A, 1, 2))).resolves.toBeUndefined();
    });

    it('keeps after a start what is known, and makes what is missing', async () => {
      await network.makeNamespace(A);
      await network.makeNamespace(B);
      network.want(hostNetworksOf([networkOnHost(1)]));
      await network.attach(endpointOf(B, 1, 3));
      await network.recover((id) => id === A, [endpointOf(A, 1, 2)]);
      await expect(network.attach(endpointOf(A, 1, 2))).resolves.toBeUndefined();
    });
  });
}
