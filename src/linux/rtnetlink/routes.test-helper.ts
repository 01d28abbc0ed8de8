import { MAIN_TABLE, OUR_PROTOCOL, type Route } from './routes.ts';

/** As the kernel tells of it, too. */
export function blackhole(destination: Route['destination']): Route {
  return {
    destination,
    type: 'blackhole',
    via: undefined,
    onlink: false,
    device: 0,
    mtu: 0,
    source: undefined,
    metric: 0,
    scope: 'global',
    protocol: OUR_PROTOCOL,
    table: MAIN_TABLE,
  };
}
