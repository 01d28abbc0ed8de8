import { type Cidr, formatIpv4 } from '../../../lib/ipv4.ts';
import type { NetworkOnHost } from '../../port.ts';
import { gatewayMac, type Names } from '../names.ts';
import type { EndpointOnHost } from '../wish.ts';
import { type Range, rangesOf } from './ranges.ts';

/** A chain of our netdev table. */
export interface ShortcutChain {
  /** Whose frames it sees as they come in; undefined: it is gone to by others. */
  readonly device: string | undefined;
  /** Devices that must be there. */
  readonly needs: readonly string[];
  /** As nft(8) reads it. */
  readonly rule: string;
}

/** Chains by name, in an order in which each comes before those that go to it. */
export type Shortcuts = ReadonlyMap<string, ShortcutChain>;

/** A network with endpoints on this host, and where packets for the rest of it go. */
export interface ShortcutNetwork {
  readonly network: NetworkOnHost;
  readonly endpoints: readonly EndpointOnHost[];
  /** Other hosts' blocks, with their inner addresses. undefined: some of what containers here may send is too large for it. */
  readonly ways: readonly { readonly block: Cidr; readonly via: number | undefined }[];
}

/**
 * From a container's interface to its network's tunnel, and from the tunnel to the bridge, past everything that the
 * kernel would ask in between: bridge, connection tracking, routing, and all rules, ours and others'. On a network
 * nothing is asked of a packet but whose it is and where it goes, and that is in these chains: the sender is the
 * port's own container, the receiver is one that another host leases, or is here. What isn't so plain (the gateway,
 * hosts, other networks, what is addressed to a container that isn't there, smaller underlays, the last hop of a
 * packet's life) goes the long way, which is complete without shortcuts: they are made after a container has started,
 * and where a kernel can't make them nothing is missing but speed. On one host both directions of a pair take the
 * same way, or connection tracking would see half of it. Pure.
 */
export function planShortcuts(networks: readonly ShortcutNetwork[], names: Names): Shortcuts {
  const chains = new Map<string, ShortcutChain>();
  for (const { network, endpoints, ways } of networks) {
    const others = rangesOf([
      ...ways.map(({ block, via }) => ({ block, value: via })),
      ...network.blocks.map((block) => ({ block, value: undefined })),
    ]);
    if (others.length === 0) continue;
    const { vni, gateway } = network;
    const [bridge, tunnel] = [names.bridge(vni), names.tunnel(vni)];
    const way = `to_${tunnel}`;
    const here = [...new Set(endpoints.map(({ address }) => formatIpv4(address)))].toSorted();
    chains.set(way, {
      device: undefined,
      needs: [tunnel, bridge],
      rule: `ip daddr != ${formatIpv4(gateway)} ip ttl > 1 fwd ip to ip daddr map { ${others.map(leading).join(', ')} } device "${tunnel}"`,
    });
    chains.set(tunnel, {
      device: tunnel,
      needs: [tunnel, bridge],
      rule: `meta pkttype host ip daddr { ${here.join(', ')} } ip saddr { ${others.map(rangeText).join(', ')} } ip ttl > 1 fwd ip to ip daddr device "${bridge}"`,
    });
    for (const { port, mac, address } of endpoints) {
      chains.set(port, {
        device: port,
        needs: [port, tunnel, bridge],
        rule: `ether saddr ${mac} ether daddr ${gatewayMac(gateway)} ip saddr ${formatIpv4(address)} goto ${way}`,
      });
    }
  }
  return chains;
}

const rangeText = ({ first, last }: Range<number>): string =>
  first === last ? formatIpv4(first) : `${formatIpv4(first)}-${formatIpv4(last)}`;
const leading = (range: Range<number>): string => `${rangeText(range)} : ${formatIpv4(range.value)}`;
