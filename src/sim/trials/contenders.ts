import { Central } from '../baselines/central.ts';
import { Oracle } from '../baselines/oracle.ts';
import { Probing } from '../baselines/probing.ts';
import { Market } from '../market/market.ts';
import type { Contender } from '../workloads/contender.ts';
import type { ContenderSetup } from '../workloads/trial.ts';

/** One-way, ms, as the baselines have it. */
const LATENCY_MS = [5, 80] as const;

/** Who can take part, by name. */
export const CONTENDERS = {
  caravela: (setup) => new Market({ ...setup, latencyMs: LATENCY_MS }),
  oracle: (setup) => new Oracle(setup),
  central: (setup) => new Central(setup),
  probing: (setup) => new Probing(setup),
} as const satisfies Readonly<Record<string, (setup: ContenderSetup) => Contender>>;

export type ContenderName = keyof typeof CONTENDERS;

export const CONTENDER_NAMES = Object.keys(CONTENDERS) as readonly ContenderName[];
