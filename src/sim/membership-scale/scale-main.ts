import { parseArgs } from 'node:util';
import { scaleReport } from './scale-report.ts';
import { scaleTrial } from './scale-trial.ts';
import type { Scale } from './scale-trial.ts';

const USAGE = `node src/sim/main.ts membership -- what membership costs, with the real machine
  --nodes N[,N…]     (default 1000)
  --seeds A..B       (default 101..105)
  --sessions T[,T…]  mean life of a node: 1h,24h,7d (default all three)
  --profile P[,P…]   lan,wan (default lan)
  --loss P           share of datagrams lost (default 0.01)
  --regions N        that hints tell of, 0 for no hints (default 100)
  --window T         measured, e.g. 60s (default: long enough for some deaths)
  --json             one line of JSON for each trial, too`;

/** Runs the trials one by one and prints a row for each, then the means. @returns the exit code */
export function scaleMain(argv: readonly string[]): number {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      nodes: { type: 'string', default: '1000' },
      seeds: { type: 'string', default: '101..105' },
      sessions: { type: 'string', default: '1h,24h,7d' },
      profile: { type: 'string', default: 'lan' },
      loss: { type: 'string', default: '0.01' },
      regions: { type: 'string', default: '100' },
      window: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [first = 101, last = first] = values.seeds.split('..').map(Number);
  const windowMs = values.window === undefined ? undefined : parseDuration(values.window);
  for (const profile of values.profile.split(',').map(profileOf)) {
    for (const nodes of values.nodes.split(',').map(Number)) {
      for (const session of values.sessions.split(',')) {
        const trials: Scale[] = [];
        for (let seed = first; seed <= last; seed++) {
          const options = {
            seed,
            nodes,
            profile,
            loss: Number(values.loss),
            sessionMs: parseDuration(session),
            windowMs,
            regions: Number(values.regions),
            progress: nodes >= 4_000 ? sayHowFar : undefined,
          };
          const trial = scaleTrial(options);
          trials.push(trial);
          if (values.json) console.log(JSON.stringify(trial));
        }
        console.log(scaleReport(session, trials));
      }
    }
  }
  return 0;
}

function sayHowFar(nowMs: number, endMs: number): void {
  const { rss } = process.memoryUsage();
  console.error(`${Math.round(nowMs / 1_000)} of ${Math.round(endMs / 1_000)} s, ${Math.round(rss / 1e6)} MB`);
}

/** `30s`, `1h`, `7d` in ms. @throws Error naming the value */
function parseDuration(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
  if (unitMs === undefined) throw new Error(`a duration is written as 30s, 1h or 7d, got ${JSON.stringify(text)}`);
  return Number(count) * unitMs;
}

function profileOf(text: string): 'lan' | 'wan' {
  if (text === 'lan' || text === 'wan') return text;
  throw new Error(`--profile needs lan or wan, got ${JSON.stringify(text)}`);
}
