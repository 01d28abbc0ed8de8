import { formatCidr } from '../../lib/ipv4.ts';
import { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { MAIN_TABLE, OUR_PROTOCOL } from '../../linux/rtnetlink/routes.ts';
import type { ForeignRoute } from './facts-feed.ts';

/** The host's routes but for the default one and those by the devices that this node made, whose names begin with `ours`. */
export function foreignRoutes(ours: string): readonly ForeignRoute[] {
  const socket = RouteSocket.open();
  try {
    const names = new Map(socket.links().map(({ index, name }) => [index, name]));
    return socket.routes(MAIN_TABLE).flatMap(({ destination, device, protocol, type }): ForeignRoute[] => {
      const name = names.get(device) ?? '';
      const isOurs = protocol === OUR_PROTOCOL || name.startsWith(ours);
      if (destination.prefix === 0 || type !== 'unicast' || isOurs || name === 'lo') return [];
      return [{ block: destination, words: `${formatCidr(destination)}${name === '' ? '' : ` (${name})`}` }];
    });
  } finally {
    socket.close();
  }
}
