import type { Arena } from './arena.ts';
import type { Rates, Workload } from './workload.ts';

/** The workload's own rates (the ancestor's): so many deploys and stops in each tick, spread over it. */
export interface RatesDemand {
  readonly kind: 'rates';
}

/** @throws Error where the workload has no rates */
export function startRates(workload: Workload, arena: Arena): () => number {
  const { rates } = workload;
  if (rates === undefined) throw new Error(`workload ${workload.name} has no rates of its own; ask for ramp, burst or churn`);
  const tickMs = rates.tickSeconds * 1_000;
  const deploys = perTick(rates, rates.deploy, arena.nodes);
  const stops = perTick(rates, rates.stop, arena.nodes);
  let ticks = 0;
  const tick = () => {
    spread(arena, tickMs, deploys(ticks), () => arena.submit());
    spread(arena, tickMs, stops(ticks), () => arena.stopOfDrawnProfile());
    ticks++;
    if (ticks < rates.ticks) arena.schedule.after(tickMs, tick);
    else arena.schedule.after(tickMs, () => arena.finish());
  };
  arena.measure([]);
  arena.schedule.after(0, tick);
  return () => ticks / rates.ticks;
}

/** How many of something a tick has. Parts of one are carried on, so that few nodes get their share, too. */
function perTick(rates: Rates, percents: readonly number[], nodes: number): (tick: number) => number {
  const stretch = Math.ceil(rates.ticks / percents.length);
  let owed = 0;
  return (tick) => {
    owed += ((percents[Math.min(percents.length - 1, Math.floor(tick / stretch))] as number) * nodes) / 100;
    // What adds up to one in the end must not lack a rounding error of it.
    const whole = Math.floor(owed + 1e-9);
    owed -= whole;
    return whole;
  };
}

function spread(arena: Arena, overMs: number, count: number, run: () => void): void {
  for (let i = 0; i < count; i++) arena.schedule.after(arena.random.float() * overMs, run);
}
