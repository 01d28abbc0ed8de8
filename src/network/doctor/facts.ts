import type { BaseChain } from '../../linux/nft.ts';
import type { PingAnswer } from '../../linux/ping.ts';

/** What the doctor's judgements rest on: gathered apart, so that each judgement is a pure function. */

/** What this host's kernel says. */
export interface HostSeen {
  readonly ipForward: boolean;
  /** Whether bridged frames pass through the ip hooks of this namespace; undefined: br_netfilter isn't loaded. */
  readonly bridgeNetfilter: boolean | undefined;
  /** The device with the underlay address; undefined: none has it. */
  readonly underlay: { readonly device: string; readonly mtu: number } | undefined;
  /** Our VXLAN devices. */
  readonly tunnels: readonly { readonly name: string; readonly mtu: number; readonly up: boolean }[];
  /** Our devices whose reverse path filter is strict (ip-sysctl.rst, rp_filter). */
  readonly strict: readonly string[];
  /** undefined: it is shown in the host's own network namespace only. */
  readonly neighbours: NeighboursSeen | undefined;
  /** undefined: nft(8) can't be asked, and `firewallError` says why. */
  readonly firewall: FirewallSeen | undefined;
  readonly firewallError: string;
}

/** The kernel's one table of neighbours, containers' included (arp(7)). */
export interface NeighboursSeen {
  /** gc_thresh3: of entries that come and go; those that are set for good, as ours of peers, don't count (since Linux 5.0). */
  readonly most: number;
  readonly now: number;
  /** Those of our containers on this host. */
  readonly endpoints: number;
  /** Times since the host's start that an entry was not had for it. */
  readonly refused: number;
}

/** Others' packet filters: an `accept` of ours can't open what they drop. */
export interface FirewallSeen {
  /** Base chains of others that drop what none of their rules accepts. */
  readonly closed: readonly ClosedChain[];
  /** Who keeps rules here, by the names of chains: Docker, ufw, firewalld. */
  readonly managers: readonly string[];
  /** The old iptables has rules here, which nft(8) doesn't show. */
  readonly legacy: boolean;
}

export interface ClosedChain extends BaseChain {
  /** In the forward hook: whether its table accepts what comes from, and what goes to our devices. In input: VXLAN's port. */
  readonly accepts: boolean;
  /** In input: whether containers' questions after names get through. */
  readonly names: boolean;
}

/** What was tried with one peer. */
export interface PeerSeen {
  readonly name: string;
  readonly underlayIp: string;
  /** Its daemon, by 8001/tcp. */
  readonly daemon: DaemonAnswer | { readonly error: string };
  /** Pings of 64 bytes and of the size that both underlay devices take, without the overlay. */
  readonly underlay: SizedPings;
  /** The same through VXLAN, to its inner address. */
  readonly overlay: SizedPings;
  /** UDP through VXLAN, there and back; undefined: not tried. */
  readonly echo: EchoSeen | undefined;
}

export interface DaemonAnswer {
  readonly roundTripMs: number;
  /** Its clock minus ours, half the round trip taken off. */
  readonly clockAheadMs: number;
}

export interface SizedPings {
  readonly small: PingAnswer;
  readonly full: PingAnswer;
  readonly fullBytes: number;
  /** Where `full` doesn't pass: the largest that does, 0 where none was found. */
  readonly largestBytes: number;
}

export interface EchoSeen {
  /** Of each size. */
  readonly sent: number;
  readonly smallBack: number;
  readonly largeBack: number;
  /** By how many wrong UDP and TCP checksums grew meanwhile, theirs and ours together. */
  readonly checksumErrors: number;
}

/** What was found changed by others in the kernel and put right. */
export interface DriftSeen {
  /** Since the daemon's start. */
  readonly repairs: number;
  /** What the last time put right, in words. */
  readonly last: readonly string[];
  /** Why the kernel hasn't what it should; undefined: it has. */
  readonly failure: string | undefined;
}

export interface AgreementSeen {
  readonly quorum: boolean;
  /** `2 of 3 members answer (node-3 does not)` */
  readonly words: string;
}
