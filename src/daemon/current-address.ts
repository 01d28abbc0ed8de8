import type { Store } from '../store/port.ts';
import { addressTowards, hostAddresses } from './host-facts.ts';
import type { Log } from './log.ts';
import { checkOwn } from './own-address.ts';
import { DOCUMENTS, type NodeSettings } from './settings.ts';

/** Bound where this host has no address to go by: whatever comes up later is served, too. */
const ANY = { v4: '0.0.0.0', v6: '::' };
/** Routes to so many last known members are looked up before one has to do that leads anywhere. */
const MEMBERS_ASKED = 16;
/** TEST-NET-1 (RFC 5737): stands for anywhere; nothing is sent. */
const ANYWHERE = '192.0.2.1';

/** How a host looks at its addresses. */
export interface AddressFacts {
  /** Those of its interfaces, without loopback. */
  readonly addresses: () => readonly string[];
  /** Which of them it would speak from. Undefined: no route. */
  readonly towards: (peer: string) => Promise<string | undefined>;
}

export const HOST_FACTS: AddressFacts = { addresses: () => hostAddresses().map((each) => each.ip), towards: addressTowards };

export interface CurrentAddress {
  readonly settings: NodeSettings;
  /** Where the ports are opened. */
  readonly bindIp: string;
}

/**
 * A node is its key, not its address: where this host no longer has the address the node was last
 * reached at, it goes on at the one this host speaks from towards the members it knows, and keeps that.
 * With no route to any (the cable is out, or the network not yet up) it starts all the same, under the
 * address it had: containers do not wait for a network.
 */
export async function currentAddress(store: Store, log: Log, facts: AddressFacts = HOST_FACTS): Promise<CurrentAddress> {
  const settings = store.document(DOCUMENTS.node) as NodeSettings;
  const { ip } = settings.address;
  if (isHere(ip, facts)) return { settings, bindIp: ip };
  const found = await replacement(settings, membersOf(store, settings), facts);
  if (found === undefined) {
    log('warn', 'this host does not have the address of its node, and no route to other nodes: it waits for either', { ip });
    return { settings, bindIp: ip.includes(':') ? ANY.v6 : ANY.v4 };
  }
  log('info', 'this host has another address than before: the node moves to it', { from: ip, to: found });
  return { settings: storeAddress(store, settings, found), bindIp: found };
}

/** Whether a daemon that serves at `ip` must move: the host has lost that address, and has another to serve at. */
export async function hasMoved(settings: NodeSettings, members: readonly string[], facts: AddressFacts = HOST_FACTS): Promise<boolean> {
  return !isHere(settings.address.ip, facts) && (await replacement(settings, members, facts)) !== undefined;
}

/** `caravela daemon --advertise IP`: the address is kept for all later starts. @throws Error naming the choices */
export function adviseAddress(store: Store, ip: string): void {
  storeAddress(store, store.document(DOCUMENTS.node) as NodeSettings, checkOwn(ip, hostAddresses()));
}

function storeAddress(store: Store, settings: NodeSettings, ip: string): NodeSettings {
  const moved: NodeSettings = { ...settings, address: { ...settings.address, ip } };
  store.putDocument(DOCUMENTS.node, moved);
  return moved;
}

function isHere(ip: string, facts: AddressFacts): boolean {
  return ip.startsWith('127.') || ip === '::1' || facts.addresses().includes(ip);
}

/** Not simply the only address there is: with the cable out that may be a bridge of containers. */
async function replacement(settings: NodeSettings, members: readonly string[], facts: AddressFacts): Promise<string | undefined> {
  const isV6 = settings.address.ip.includes(':');
  const peers = members.filter((ip) => ip !== settings.address.ip).slice(0, MEMBERS_ASKED);
  for (const peer of peers.length > 0 ? peers : isV6 ? [] : [ANYWHERE]) {
    const ip = await facts.towards(peer);
    if (ip !== undefined && facts.addresses().includes(ip)) return ip;
  }
  return undefined;
}

function membersOf(store: Store, settings: NodeSettings): readonly string[] {
  return store
    .members()
    .filter((member) => member.id !== settings.nodeId)
    .map((member) => member.address.ip);
}
