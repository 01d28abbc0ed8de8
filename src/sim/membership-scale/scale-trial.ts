import { Prng } from '../../lib/prng.ts';
import { quantile } from './spread.ts';
import type { Spread } from './spread.ts';
import { ScaleWorld } from './scale-world.ts';

export interface TrialOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly profile: 'lan' | 'wan';
  readonly loss: number;
  /** Mean life of a node, ms. */
  readonly sessionMs: number;
  /** Measured, ms; undefined: long enough for some deaths. */
  readonly windowMs: number | undefined;
  readonly regions: number;
  /** Told now and then how far it is, virtual ms: the large ones take many minutes. */
  readonly progress?: ((nowMs: number, endMs: number) => void) | undefined;
}

/** What a trial measured. Bytes per node and second, times in ms. */
export interface Scale {
  readonly options: TrialOptions;
  readonly windowMs: number;
  readonly probing: number;
  readonly gossip: number;
  readonly hints: number;
  readonly udp: number;
  /** Of the node that sent the most. */
  readonly udpMost: number;
  readonly packets: number;
  readonly streams: number;
  readonly deaths: Known;
  readonly joins: Known;
  readonly rows: Known;
  readonly falseDeaths: number;
}

/** How long news took: of all (news, node) pairs, and until everybody knew. */
export interface Known {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  /** Mean of the last node's delay. */
  readonly all: number;
  readonly most: number;
  /** News that had not reached everybody at the end. */
  readonly open: number;
}

/** One instance at work for a while: it settles, then deaths and joins come at the rate of the sessions, and all is counted. */
export function scaleTrial(options: TrialOptions): Scale {
  const times = TIMES[options.profile];
  const eventsPerMs = options.nodes / options.sessionMs;
  const windowMs = options.windowMs ?? Math.min(times.mostMs, Math.max(times.leastMs, SOME_DEATHS / eventsPerMs));
  const joins = Math.ceil(3 * eventsPerMs * (times.settleMs + windowMs) + 10);
  const world = new ScaleWorld({ ...options, joins });
  const random = new Prng(options.seed ^ 0x5ca1e);
  const endMs = times.settleMs + windowMs;
  const next = (everyMs: number): number => -Math.log(1 - random.float()) * everyMs;
  let deathMs = next(1 / eventsPerMs);
  let joinMs = next(1 / eventsPerMs);
  let hintMs = times.settleMs;
  let told = 0;
  while (world.nowMs < endMs) {
    if (options.progress !== undefined && world.nowMs - told >= PROGRESS_MS) options.progress((told = world.nowMs), endMs + times.lastMs);
    const untilMs = Math.min(endMs, deathMs, joinMs, hintMs);
    world.runUntil(untilMs);
    world.measuring = untilMs >= times.settleMs;
    if (untilMs === deathMs) {
      world.crash();
      deathMs += next(1 / eventsPerMs);
    } else if (untilMs === joinMs) {
      world.join();
      joinMs += next(1 / eventsPerMs);
    } else if (untilMs === hintMs) {
      world.writeHint();
      hintMs += HINT_EVERY_MS;
    }
  }
  const { bytes } = world;
  world.measuring = false;
  world.runUntil(endMs + times.lastMs);
  const perNode = 1_000 / windowMs / options.nodes;
  return {
    options,
    windowMs,
    probing: bytes.probing * perNode,
    gossip: (bytes.gossipPackets + bytes.rumours) * perNode,
    hints: bytes.hints * perNode,
    udp: bytes.udp * perNode,
    udpMost: Math.max(...bytes.byNode) * (1_000 / windowMs),
    packets: bytes.datagrams * perNode,
    streams: bytes.streams * perNode,
    deaths: known(world.deaths.values()),
    joins: known(world.joins.values()),
    rows: known(world.rows.values()),
    falseDeaths: world.falseDeaths,
  };
}

function known(spreads: Iterable<Spread>): Known {
  const all = [...spreads];
  const delays = all.flatMap((spread) => spread.delaysMs).sort((a, b) => a - b);
  const last = all.flatMap((spread) => spread.allMs ?? []);
  return {
    count: all.length,
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    all: last.reduce((sum, ms) => sum + ms, 0) / last.length,
    most: delays.at(-1) ?? Number.NaN,
    open: all.filter((spread) => !spread.isComplete).length,
  };
}

/** Settling, the least and the most to be measured, and what the last news of it gets to arrive. */
const TIMES = {
  lan: { settleMs: 20_000, leastMs: 30_000, mostMs: 300_000, lastMs: 20_000 },
  wan: { settleMs: 120_000, leastMs: 120_000, mostMs: 600_000, lastMs: 180_000 },
} as const;
const SOME_DEATHS = 5;
const HINT_EVERY_MS = 1_000;
const PROGRESS_MS = 5_000;
