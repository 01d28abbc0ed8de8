import { assertNever } from '../../lib/assert.ts';
import type { KernelEvent } from '../../linux/kernel-event.ts';
import { isAsWanted, sameItem } from './difference.ts';
import type { Names } from './names.ts';
import { IP_FORWARD } from './sysctls.ts';
import { addressOf, fdbOf, type LinkNames, neighbourOf, routeOf } from './read-kernel.ts';
import { addressKey, fdbKey, type KernelWish, neighbourKey, routeKey } from './wish.ts';

/** Where to look after news. `links`: at devices alone, as such news often only tells of a step on the way. */
export type Suspicion = 'links' | 'kernel' | 'settings' | 'firewall' | 'shortcuts' | 'docker';

/**
 * What news from the kernel give reason to look at; undefined: they tell what is wanted, or what is none of ours. Our
 * own changes tell what is wanted, so that they lead to nothing here, whoever is named as their author. Pure.
 */
export function contradicts(event: KernelEvent, wish: KernelWish, links: LinkNames, names: Names): Suspicion | undefined {
  switch (event.kind) {
    case 'lost':
      return 'kernel';
    case 'link': {
      const { link, gone } = event;
      if (!link.name.startsWith(names.devices)) return undefined;
      const wanted = wish.links.get(link.name);
      if (wanted === undefined) return gone ? undefined : 'links';
      return gone || !isAsWanted(link, wanted) ? 'links' : undefined;
    }
    case 'bridge-port':
      return links.has(event.index) ? 'links' : undefined;
    case 'address': {
      const address = addressOf(event.address, links);
      return address !== undefined && wish.addresses.has(addressKey(address)) === event.gone ? 'kernel' : undefined;
    }
    case 'route': {
      const route = routeOf(event.route, links, names);
      if (route !== undefined) return isNews(event.gone, wish.routes.get(routeKey(route)), route);
      // Another's in the place of ours.
      return !event.gone && wish.routes.has(routeKey({ ...event.route, link: undefined })) ? 'kernel' : undefined;
    }
    case 'neighbour': {
      const { neighbour, gone } = event;
      const link = links.get(neighbour.index);
      if (link === undefined) return undefined;
      const wanted = wish.neighbours.get(neighbourKey({ link, ...neighbour }));
      const found = neighbourOf(neighbour, links, names);
      return found === undefined ? wanted && 'kernel' : isNews(gone, wanted, found);
    }
    case 'fdb': {
      const link = links.get(event.entry.index);
      if (link === undefined) return undefined;
      const wanted = wish.fdb.get(fdbKey({ link, mac: event.entry.mac }));
      const entry = fdbOf(event.entry, links, names);
      return entry === undefined ? wanted && 'kernel' : isNews(event.gone, wanted, entry);
    }
    case 'settings': {
      const device = event.device === 'all' ? 'all' : links.get(event.device);
      const isOtherwise = ([name, value]: [string, string]): boolean => {
        const path = device === 'all' && name === 'forwarding' ? IP_FORWARD : `ipv4/conf/${device}/${name}`;
        return (wish.sysctls.get(path) ?? value) !== value;
      };
      return device !== undefined && Object.entries(event.values).some(isOtherwise) ? 'settings' : undefined;
    }
    case 'ipv6':
      // None of ours has one while its settings are as wanted.
      return !event.gone && links.has(event.device) ? 'settings' : undefined;
    case 'nftables':
      if (event.table === names.table) return event.family === 'netdev' ? 'shortcuts' : 'firewall';
      return event.family === 'ip' && event.table === 'filter' ? 'docker' : undefined;
    default:
      return assertNever(event);
  }
}

function isNews<T extends object>(gone: boolean, wanted: T | undefined, found: T): Suspicion | undefined {
  if (gone) return wanted === undefined ? undefined : 'kernel';
  return wanted === undefined || !sameItem(found, wanted) ? 'kernel' : undefined;
}
