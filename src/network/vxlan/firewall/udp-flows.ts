import { type Cidr, holds } from '../../../lib/ipv4.ts';
import { decodeUdpFlow, deleteFlow, listUdpFlows, type UdpFlow } from '../../../linux/conntrack.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../../../linux/netlink-socket.ts';
import type { Element, FirewallWish } from './sets.ts';

/** Of so many ports each is asked for alone: the kernel looks at all flows each time, and tells of few. */
const PORTS_APART = 16;

/** By which a flow that is there is judged. */
export interface FlowsSeen {
  readonly wish: Pick<FirewallWish, 'ports_any' | 'ports_at'>;
  /** Where containers are. */
  readonly subnets: readonly Cidr[];
  /** This host's own addresses. */
  readonly addresses: () => ReadonlySet<number>;
}

/**
 * Only a flow's first packet is led by the rules; UDP has no end to it, so that a client that goes on sending from one
 * port would for ever reach the container that had the port before, or nobody. Here such flows are forgotten when the
 * published ports change. TCP's end with their container.
 */
export class UdpFlows {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER);
  /** Where ports led when flows were looked at last; undefined: not yet. */
  #followed: ReadonlyMap<string, string> | undefined;

  /** Cheap where no UDP port changed. Returns how many were forgotten. @throws SystemError */
  follow(seen: FlowsSeen): number {
    const before = this.#followed;
    const now = new Map([...seen.wish.ports_any.values(), ...seen.wish.ports_at.values()].flatMap((element) => udpOf(element)));
    const changed = [...new Set([...now.keys(), ...(before?.keys() ?? [])])].filter((key) => now.get(key) !== before?.get(key));
    if (before !== undefined && changed.length === 0) return 0;
    // Where it can't be done now, it can't be the next time either: some kernels lack the module.
    this.#followed = now;
    const ports = new Set(changed.map((key) => Number(key.split(' ').at(-1))));
    const lists = before === undefined || ports.size > PORTS_APART ? [undefined] : [...ports];
    const flows = lists.flatMap((port) => this.#socket.dump(listUdpFlows(port), ({ body }) => decodeUdpFlow(body)));
    const stale = flows.filter((flow) => isStale(flow, seen, new Set(before?.values())));
    // Each may have ended by itself meanwhile.
    this.#socket.request(stale.map(deleteFlow));
    return stale.length;
  }

  /** No port leads to a container any more. @throws SystemError */
  forget(subnets: readonly Cidr[]): void {
    const nowhere = { ports_any: new Map(), ports_at: new Map() };
    this.follow({ wish: nowhere, subnets, addresses: () => new Set() });
  }

  close(): void {
    this.#socket.close();
  }
}

function isStale(flow: UdpFlow, { wish, subnets, addresses }: FlowsSeen, before: ReadonlySet<string>): boolean {
  const { destination, port, to, toPort, isTranslated } = flow;
  const data = (wish.ports_at.get(`${destination} udp ${port}`) ?? wish.ports_any.get(`udp ${port}`))?.data;
  const goes = `${to} ${toPort}`;
  if (data?.join(' ') === goes) return false;
  // Else another's, as Docker's; or one that goes through here without us.
  if (isTranslated) return before.has(goes) || subnets.some((subnet) => holds(subnet, to));
  return data !== undefined && addresses().has(destination);
}

const udpOf = ({ key, data }: Element): [string, string][] => (key.includes('udp') ? [[key.join(' '), data.join(' ')]] : []);
