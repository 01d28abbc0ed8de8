import type { NetworkId } from '../../core/model/index.ts';
import type { Cidr } from '../../lib/ipv4.ts';

/** What a name means on some networks. Addresses as numbers. */
export interface Resolved {
  readonly addresses: readonly number[];
  /** Whether a miss means that there is none: not where somebody who may know did not answer. */
  readonly complete: boolean;
}

/** Who asks whom: addresses as numbers. */
export interface Asker {
  readonly source: number;
  /** The gateway that was asked: the network by which the question came. */
  readonly gateway: number;
}

/** What the server knows nothing of itself. Names are in lower case and without the last dot. */
export interface DnsNames {
  /** The networks of whoever asks, in the order in which a name is looked for; empty: nothing is answered. */
  networksOf(asker: Asker): readonly { readonly id: NetworkId; readonly name: string }[];
  /** What whoever asks means by a name: what it alone calls so (`--link`), else the name itself. */
  meant(asker: Asker, name: string): string;
  /** The first of the networks on which somebody is called this. */
  resolve(networks: readonly NetworkId[], name: string): Promise<Resolved>;
  /** Who has an address, as names to answer; undefined: it is in no network of ours. */
  reverse(
    address: number,
    networks: readonly NetworkId[],
  ): Promise<{ readonly names: readonly string[]; readonly complete: boolean } | undefined>;
  /** Servers for the names that are not ours (IP literals), in order; empty: there are none for it. Undefined: the host's. */
  serversOf(asker: Asker): readonly string[] | undefined;
}

/** One network's place to ask at. */
export interface DnsPlace {
  readonly gateway: number;
  /** Nobody else may ask. */
  readonly subnet: Cidr;
}

/** Answers containers' questions after names (DESIGN §9). */
export interface DnsServer {
  /**
   * Where questions are taken from now on. Returns at once: what can't be bound yet, since its bridge has no
   * address or something else has the port, is told and tried again until it is wanted no more.
   */
  listen(places: readonly DnsPlace[]): void;
  /** What is not served just now, and why: `port 53/udp of 10.0.0.1 is taken by dnsmasq (pid 7)`. */
  problems(): readonly string[];
  /** Names or addresses have changed: what is remembered counts no more. */
  forget(): void;
  close(): Promise<void>;
}
