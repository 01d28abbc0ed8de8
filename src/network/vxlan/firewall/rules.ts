import { type Cidr, formatCidr } from '../../../lib/ipv4.ts';
import type { Names } from '../names.ts';
import { type FirewallWish, SET_NAMES, SETS, type SetShape, textOf } from './sets.ts';

export interface RuleOptions {
  readonly vxlanPort: number;
  readonly innerRange: Cidr;
}

/**
 * Our two nftables tables as nft(8) reads them, in place of those that may be there, in one transaction. The rules are
 * the same for any networks: these are in the sets. `accept` ends only our own chain: it can't open what another
 * firewall closes (for Docker's, see docker-user.ts).
 */
export function ruleset(names: Names, options: RuleOptions, wish: FirewallWish): string {
  return `${dropTables(names)}table ip ${names.table} {
${setsOf('ip', wish)}${ipChains(names, options)}}
table bridge ${names.table} {
${setsOf('bridge', wish)}${bridgeChains(names)}}
`;
}

/** nft's text that takes our tables away, whether they are there or not. */
export function dropTables({ table }: Names): string {
  return ['ip', 'bridge'].map((family) => `add table ${family} ${table}\ndelete table ${family} ${table}\n`).join('');
}

function ipChains({ devices, bridges, tunnels }: Names, { vxlanPort, innerRange }: RuleOptions): string {
  const ours = `"${devices}*"`;
  const bridge = `"${bridges}*"`;
  const tunnel = `"${tunnels}*"`;
  const inner = formatCidr(innerRange);
  return `
  # route_localnet lets 127.0.0.1:PORT lead to a container; it must not lead a container to the host's own services.
  chain martians {
    type filter hook prerouting priority -300; policy accept;
    # Hosts' frames are no connections: tracking would know one for each flow within, and nobody asks it.
    udp dport ${vxlanPort} ip saddr @members notrack accept
    iifname ${ours} ip daddr 127.0.0.0/8 drop
    iifname ${ours} ip saddr 127.0.0.0/8 drop
  }
  # Before Docker's (-100): a port is published by one of us.
  chain published_from_outside {
    type nat hook prerouting priority -110; policy accept;
    iifname ${tunnel} return
    fib daddr type local jump published
  }
  chain published_from_here {
    type nat hook output priority -110; policy accept;
    fib daddr type local jump published
  }
  chain published {
    # Names are asked for there, even where a container publishes a DNS server of its own.
    ip daddr @gateways meta l4proto { tcp, udp } th dport 53 return
    dnat ip to ip daddr . meta l4proto . th dport map @ports_at
    dnat ip to meta l4proto . th dport map @ports_any
  }
  # Whose answers must come back here.
  chain sources {
    type nat hook postrouting priority 90; policy accept;
    # Another host's: its inner address is known to the host alone, and the container's default route may be elsewhere.
    oifname ${bridge} ip saddr ${inner} masquerade
    # Published here, running there: the other host answers to our inner address.
    oifname ${tunnel} ct status dnat masquerade
    # From a container to its own published port, or to that of another on its bridge. Not by iifname: with br_netfilter
    # such a frame never leaves the bridge, and has none here.
    oifname . ip saddr @on_bridge ct status dnat masquerade
    oifname ${ours} ip saddr 127.0.0.0/8 masquerade
    iifname ${bridge} oifname != ${ours} masquerade
  }
  # What fits on the way beyond the first hop is told by ICMP, which some drop: TCP's ends agree on it without.
  chain segments {
    type filter hook forward priority -150; policy accept;
    iifname ${ours} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    oifname ${ours} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
  }
  chain forwarded {
    type filter hook forward priority -5; policy accept;
    iifname . oifname @paths accept
    # Answers to hosts go by the default network's tunnel, whatever network they come from.
    iifname ${bridge} ip daddr ${inner} ct state established,related accept
    iifname @internal drop
    oifname @internal drop
    # Of no connection, and so in nobody's name but the container's, which nobody out there knows.
    iifname ${bridge} oifname != ${ours} ct state invalid drop
    # A frame for a tunnel would be taken for this host's own after masquerading.
    udp dport ${vxlanPort} ip daddr @members ip saddr != @members drop
    # Published: open to all.
    ct status dnat accept
    iifname ${ours} oifname ${ours} drop
    oifname ${ours} ct state established,related accept
    oifname ${ours} drop
    iifname ${tunnel} drop
  }
  chain to_host {
    type filter hook input priority -5; policy accept;
    # Not at any address: a container may send there too, and gets its own host's, a member's, on the way out.
    iifname != ${ours} udp dport ${vxlanPort} ip saddr @members ip daddr @underlay accept
    udp dport ${vxlanPort} drop
    iifname ${ours} jump from_containers
  }
  chain from_containers {
    ct state established,related accept
    iifname ${tunnel} ip saddr ${inner} accept
    iifname ${tunnel} drop
    # Another network's gateway answers with that network's names.
    ip daddr @gateways iifname . ip daddr != @gateway_of drop
    iifname @internal ip daddr @gateways meta l4proto { tcp, udp } th dport 53 accept
    iifname @internal ip daddr @gateways icmp type echo-request accept
    iifname @internal drop
  }
  # The shorter way it would tell a container of goes around the translation of addresses.
  chain from_host {
    type filter hook output priority -300; policy accept;
    udp dport ${vxlanPort} ip daddr @members notrack accept
    oifname ${ours} icmp type redirect drop
  }
`;
}

/**
 * A container sends as itself or not at all: everything else here trusts in that. In ARP both the frame, of which the
 * bridge learns, and what it says, of which its neighbours do.
 */
const bridgeChains = ({ ports }: Names): string => `
  chain senders {
    type filter hook prerouting priority -300; policy accept;
    iifname "${ports}*" jump sender
  }
  chain sender {
    ether type ip iifname . ether saddr . ip saddr @endpoints accept
    ether type arp iifname . ether saddr . arp saddr ip @endpoints iifname . arp saddr ether . arp saddr ip @endpoints accept
    drop
  }
`;

function setsOf(family: SetShape['family'], wish: FirewallWish): string {
  return SET_NAMES.filter((name) => SETS[name].family === family)
    .map((name) => {
      const { key, data }: SetShape = SETS[name];
      const elements = [...wish[name].values()].map(
        (element) => joined(key, element.key) + (data === undefined ? '' : ` : ${joined(data, element.data)}`),
      );
      const type = typeOf(key) + (data === undefined ? '' : ` : ${typeOf(data)}`);
      const list = elements.length === 0 ? '' : `\n    elements = { ${elements.join(', ')} }`;
      return `  ${data === undefined ? 'set' : 'map'} ${name} {\n    type ${type}${list}\n  }\n`;
    })
    .join('');
}

const NFT_TYPES = { ifname: 'ifname', ipv4: 'ipv4_addr', mac: 'ether_addr', protocol: 'inet_proto', port: 'inet_service' } as const;

const typeOf = (kinds: SetShape['key']): string => kinds.map((kind) => NFT_TYPES[kind]).join(' . ');
const joined = (kinds: SetShape['key'], values: readonly (string | number)[]): string =>
  kinds.map((kind, index) => textOf(kind, values[index] ?? '')).join(' . ');
