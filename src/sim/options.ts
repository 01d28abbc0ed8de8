import { parseArgs } from 'node:util';

export interface Options {
  readonly seeds: readonly number[];
  /** Undefined: drawn per seed. */
  readonly nodes: number | undefined;
  /** Undefined: by the number of nodes. */
  readonly durationMs: number | undefined;
  readonly loss: number;
  readonly verbose: boolean;
}

export const USAGE = `npm run simulate -- [options]          one instance under load and faults; exit code says what broke
npm run simulate -- trial [options]    who places what at 1,000 nodes and more (trial --help)
npm run simulate -- membership [options]   what knowing each other costs (membership --help)
npm run simulate -- leases [options]   who may give out which addresses (leases --help)
  --seed N           the run to make (default: one drawn from the time)
  --seeds A..B       one run each, A to B inclusive
  --nodes N          2 to 256 (default: 3 to 20, for each twentieth seed 60 to 100)
  --duration S       virtual seconds of load and faults (default 30; 8 from 60 nodes on)
  --loss P           share of datagrams lost, 0 to 0.9 (default 0.01)
  --verbose          print the whole trace
exit code: 0 ok, 1 a correctness rule was broken, 2 the instance did not settle, 3 the core threw`;

/** @throws Error naming the option and the value received */
export function parseOptions(argv: readonly string[], drawSeed: () => number): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      nodes: { type: 'string' },
      duration: { type: 'string' },
      loss: { type: 'string', default: '0.01' },
      verbose: { type: 'boolean', default: false },
    },
  });
  return {
    seeds: seedsOf(values.seed, values.seeds, drawSeed),
    nodes: values.nodes === undefined ? undefined : numberOf('nodes', values.nodes, 2, 256, true),
    durationMs: values.duration === undefined ? undefined : numberOf('duration', values.duration, 1, 86_400, false) * 1_000,
    loss: numberOf('loss', values.loss, 0, 0.9, false),
    verbose: values.verbose,
  };
}

function seedsOf(seed: string | undefined, range: string | undefined, drawSeed: () => number): readonly number[] {
  if (range === undefined) return [seed === undefined ? drawSeed() : numberOf('seed', seed, 0, MAX_SEED, true)];
  const [from, to, ...rest] = range.split('..');
  if (seed !== undefined || to === undefined || rest.length > 0)
    throw new Error(`--seeds needs a range such as 1..100 and no --seed, got ${range}`);
  const first = numberOf('seeds', from ?? '', 0, MAX_SEED, true);
  const last = numberOf('seeds', to, first, MAX_SEED, true);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function numberOf(option: string, text: string, min: number, max: number, whole: boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
    throw new Error(`--${option} needs a ${whole ? 'whole ' : ''}number from ${min} to ${max}, got ${JSON.stringify(text)}`);
  }
  return value;
}

const MAX_SEED = 0xffff_ffff;
