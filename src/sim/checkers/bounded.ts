import { LIMITS } from '../../core/model/index.ts';
import { SUPPLIER } from '../../core/supplier/tunables.ts';
import type { Checker } from './checker.ts';

/** DESIGN §2.9: tables keep their bounds at every moment, and timers don't pile up. */
export const bounded: Checker = {
  name: 'bounded',
  onStep(world, node) {
    const { core } = node;
    if (core === undefined || world.steps % EVERY_STEPS !== 0) return;
    const members = core.members().length;
    const containers = core.containers().length;
    const runs = core.runs().length;
    const { holds } = core.resources();
    const offers = core.offers().length;
    const rows: readonly (readonly [what: string, size: number, bound: number])[] = [
      ['members', members, Math.min(LIMITS.members, world.nodes.length)],
      ['containers', containers, LIMITS.containers],
      ['runs', runs, LIMITS.runs],
      ['holds', holds, LIMITS.holds],
      ['offers', offers, Math.min(LIMITS.offersPerTrader, OFFERS_PER_SUPPLIER * world.nodes.length)],
      ['hints', core.hints().length, HINT_ROWS],
      ...Object.entries(core.sizes()).map(([what, size]) => [what, size, boundOf(what, members, containers)] as const),
      ['timers', node.pendingTimers, TIMERS_BASE + TIMERS_EACH * (members + containers + runs + holds + offers)],
    ];
    for (const [what, size, bound] of rows) {
      if (size > bound) world.violate('bounded', 'correctness', `${node.name} has ${size} ${what}, at most ${bound} are allowed`);
    }
  },
  atRest(world) {
    for (const kind of SWIM_KINDS) {
      const count = world.traffic.oversized.get(kind) ?? 0;
      if (count > 0) world.violate('bounded', 'correctness', `${count} messages of kind ${kind} did not fit a datagram`);
    }
  },
};

/** Of each table, by what a small instance can fill it with: a leak shows long before LIMITS are reached. */
function boundOf(what: string, members: number, containers: number): number {
  switch (what) {
    case 'rumours':
      // Of each member at most a record and a state.
      return 2 * members;
    case 'relays':
      return RELAYS_EACH * members;
    case 'orders':
      return ORDERS_BASE + ORDERS_EACH * containers;
    case 'graves':
      return LIMITS.tombstones;
    case 'spent':
      return SUPPLIER.spentAttempts;
    case 'names':
      return LIMITS.names;
    case 'claims':
      return LIMITS.nameClaims;
    case 'questions':
      return LIMITS.lookUps;
    default:
      return 0;
  }
}

/** What sizes itself by what it packs in; a long find may go by stream. */
const SWIM_KINDS = ['ping', 'ping-request', 'ack', 'nack', 'gossip'] as const;

/** Each member asks three others for a ping each probe; of each some are answered late. */
const RELAYS_EACH = 4;
/** One at a time for each container, and records that are written again; and the node's own. */
const ORDERS_EACH = 4;
const ORDERS_BASE = 16;
/** Looking each time would cost more than the rest of a step. */
const EVERY_STEPS = 16;
/** Old and new region, and under an old and a new split level. */
const OFFERS_PER_SUPPLIER = 4;
/** Classes × buckets of CPU from 62 m to 512 cores × buckets of memory from 4 MiB to 4 TiB. */
const HINT_ROWS = 2 * 14 * 21;
/** Stale timers stay until due: nobody cancels one. */
const TIMERS_BASE = 200;
const TIMERS_EACH = 40;
