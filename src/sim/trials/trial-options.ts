import { parseArgs } from 'node:util';
import type { Demand } from '../workloads/demand.ts';
import { CONTENDER_NAMES } from './contenders.ts';
import type { ContenderName } from './contenders.ts';

export interface TrialOptions {
  /** Undefined: the project's own. */
  readonly file: string | undefined;
  readonly workload: string;
  readonly demand: Demand;
  readonly nodes: number;
  readonly seeds: readonly number[];
  readonly contenders: readonly ContenderName[];
  readonly loss: number;
  /** Undefined: the project's own. */
  readonly out: string | undefined;
}

export const TRIAL_USAGE = `npm run simulate -- trial [options]
  --workload NAME    of the workload file (default edge)
  --demand KIND      ramp: ever more, nothing ends (default) · rates: as the workload file says · burst: many
                     within a second · churn: nodes fail and come back while containers come and go
  --nodes N          2 to 131072 (default 1000)
  --seeds A..B       one trial of each contender per seed (default 1..1)
  --contenders LIST  of ${CONTENDER_NAMES.join(',')} (default all)
  --loss P           share of packets lost, 0 to 0.5 (default 0)
  --file FILE        workload file (default bench/workloads/caravela.json)
  --out DIR          also write the results there, as JSON, table and charts
  --pace P           ramp, churn: requests per second in percent of nodes (default 0.06 and 0.3)
  --preload P        burst, churn: percent of capacity in use before (default 50 and 70)
  --requests P       burst: in percent of nodes (default 100)
  --session H        churn: hours a node stays on average (default 1)
  --hours H          churn: how long (default 1)
exit code: 0 ok, 1 an ask was never answered or a node oversold, 3 a contender threw, 64 wrong use`;

const STRING = { type: 'string' } as const;
const MOST_NODES = 131_072;
const MOST_SEED = 0xffff_ffff;

/** @throws Error naming the option and the value received */
export function parseTrialOptions(argv: readonly string[]): TrialOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      workload: { ...STRING, default: 'edge' },
      demand: { ...STRING, default: 'ramp' },
      nodes: { ...STRING, default: '1000' },
      seeds: { ...STRING, default: '1..1' },
      contenders: { ...STRING, default: CONTENDER_NAMES.join(',') },
      loss: { ...STRING, default: '0' },
      file: STRING,
      out: STRING,
      pace: STRING,
      preload: STRING,
      requests: STRING,
      session: STRING,
      hours: STRING,
    },
  });
  const { file, out, workload, demand, nodes, seeds, contenders, loss, ...ofDemand } = values;
  return {
    file,
    out,
    workload,
    demand: demandOf(demand, ofDemand),
    nodes: numberOf('nodes', nodes, 2, MOST_NODES, true),
    seeds: seedsOf(seeds),
    contenders: contenders.split(',').map(contenderOf),
    loss: numberOf('loss', loss, 0, 0.5),
  };
}

type DemandValues = Readonly<Partial<Record<'pace' | 'preload' | 'requests' | 'session' | 'hours', string>>>;

/** Reads the options that belong to a kind of demand; what belongs to another is refused, not left out. */
function demandOf(kind: string, values: DemandValues): Demand {
  const used = new Set<keyof DemandValues>();
  const read = (option: keyof DemandValues, otherwise: number, min: number, max: number): number => {
    used.add(option);
    return numberOf(option, values[option] ?? String(otherwise), min, max);
  };
  const demand = kindOf(kind, read);
  for (const [option, value] of Object.entries(values)) {
    if (value !== undefined && !used.has(option as keyof DemandValues)) throw new Error(`--${option} is not for --demand ${kind}`);
  }
  return demand;
}

function kindOf(kind: string, read: (option: keyof DemandValues, otherwise: number, min: number, max: number) => number): Demand {
  switch (kind) {
    case 'ramp':
      return { kind, pacePercent: read('pace', 0.06, 0.001, 100) };
    case 'rates':
      return { kind };
    case 'burst':
      return { kind, preloadPercent: read('preload', 50, 1, 100), requestsPercent: read('requests', 100, 0.01, 1_000) };
    case 'churn':
      return {
        kind,
        utilisationPercent: read('preload', 70, 1, 100),
        sessionHours: read('session', 1, 0.01, 100_000),
        hours: read('hours', 1, 0.01, 1_000),
        pacePercent: read('pace', 0.3, 0.001, 100),
      };
    default:
      throw new Error(`--demand is ramp, rates, burst or churn, got ${JSON.stringify(kind)}`);
  }
}

function contenderOf(name: string): ContenderName {
  const found = CONTENDER_NAMES.find((known) => known === name);
  if (found === undefined) throw new Error(`--contenders are of ${CONTENDER_NAMES.join(', ')}, got ${JSON.stringify(name)}`);
  return found;
}

function seedsOf(text: string): readonly number[] {
  const [from = '', to = from, ...rest] = text.split('..');
  if (rest.length > 0) throw new Error(`--seeds needs a range such as 101..105, got ${JSON.stringify(text)}`);
  const first = numberOf('seeds', from, 0, MOST_SEED, true);
  const last = numberOf('seeds', to, first, MOST_SEED, true);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function numberOf(option: string, text: string, min: number, max: number, whole = false): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= min && value <= max) || (whole && !Number.isInteger(value)))
    throw new Error(`--${option} needs a ${whole ? 'whole ' : ''}number from ${min} to ${max}, got ${JSON.stringify(text)}`);
  return value;
}
