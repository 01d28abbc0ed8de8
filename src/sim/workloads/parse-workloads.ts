import { MIB } from '../../core/model/index.ts';
import type { CpuClass, Resources } from '../../core/model/index.ts';
import type { NodeShape } from './contender.ts';
import { Field } from './field.ts';
import type { Profile, Rates, Share, Workload } from './workload.ts';

/**
 * The format of workload files (bench/workloads/caravela.json is the first of them). `workloads` holds, by
 * name, demand with rates over the nodes of `nodeResources`, as the ancestor published it: cores and MB, in
 * which 1024 make a GB. Any other member of the file with `nodes` and `profile` is a *mix*: nodes and
 * requests of one class in one table each, without rates. What else the file has at its top is for people.
 *
 * @throws Error naming the path in the file, what belongs there, and what was there
 */
export function parseWorkloads(text: string): ReadonlyMap<string, Workload> {
  const file = new Field(parseJson(text), '');
  const found = new Map<string, Workload>();
  const named = file.get('workloads');
  if (!named.absent) {
    const population = published(file);
    const times = { ticks: file.get('ticks').whole(1, 1e6), tickSeconds: file.get('tickSeconds').number(0.001, 1e5) };
    for (const [name, field] of named.entries()) found.set(name, rated(name, field, population, times));
  }
  for (const [name, field] of file.entries()) {
    if (!field.has('nodes', 'profile')) continue;
    if (found.has(name)) throw new Error(`${name}: there is a workload of this name in workloads, too`);
    found.set(name, mix(name, field));
  }
  if (found.size === 0) throw file.wrong('has no workload: neither workloads nor a member with nodes and profile');
  return found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`the file is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function rated(name: string, field: Field, population: readonly Share<NodeShape>[], times: Pick<Rates, 'ticks' | 'tickSeconds'>): Workload {
  field.only('nodes', 'deployRates', 'stopRates', 'profile');
  const rates = (key: string) => {
    const items = field.get(key).items();
    if (items.length > times.ticks) throw field.get(key).wrong(`needs at most ${times.ticks} rates, one per tick`);
    return items.map((rate) => rate.number(0, 1_000));
  };
  return {
    name,
    nodes: field.get('nodes').whole(2, MOST_NODES),
    population,
    profiles: shares(field.get('profile'), (row) => {
      const [rank, cpus, memory, percent] = row.row('class', 'cpus', 'memory', 'percent') as [Field, Field, Field, Field];
      return share(percent, { class: classOf(rank), resources: resources(cpus, CORES, memory) } satisfies Profile);
    }),
    rates: { ...times, deploy: rates('deployRates'), stop: rates('stopRates') },
  };
}

/** The ancestor's partition-fit: class, then cores, then memory, each by its percents. */
function published(file: Field): readonly Share<NodeShape>[] {
  const units = file.get('requestUnit').only('cpus', 'memory');
  units.get('cpus').word(['cores']);
  units.get('memory').word(['MB']);
  const nested = shares(file.get('nodeResources').only('classes').get('classes'), (entry) => {
    entry.only('class', 'percent', 'cores');
    const nodeClass = classOf(entry.get('class'));
    const byCores = shares(entry.get('cores'), (option) => {
      option.only('cores', 'percent', 'memory');
      const byMemory = shares(option.get('memory'), (row) => {
        const [memory, percent] = row.row('memory', 'percent') as [Field, Field];
        return share(percent, { class: nodeClass, capacity: resources(option.get('cores'), CORES, memory) } satisfies NodeShape);
      });
      return share(option.get('percent'), byMemory);
    });
    return share(entry.get('percent'), byCores.flatMap(within));
  });
  return nested.flatMap(within);
}

function mix(name: string, field: Field): Workload {
  field.only('nodes', 'nodeColumns', 'profile', 'profileColumns');
  columns(field.get('nodeColumns'), ['cores', 'memoryMiB', 'percent']);
  columns(field.get('profileColumns'), ['millicores', 'memoryMiB', 'percent']);
  return {
    name,
    nodes: undefined,
    population: shares(field.get('nodes'), (row) => {
      const [cores, memory, percent] = row.row('cores', 'memoryMiB', 'percent') as [Field, Field, Field];
      return share(percent, { class: 'low', capacity: resources(cores, CORES, memory) } satisfies NodeShape);
    }),
    profiles: shares(field.get('profile'), (row) => {
      const [cpu, memory, percent] = row.row('millicores', 'memoryMiB', 'percent') as [Field, Field, Field];
      return share(percent, { class: 'low', resources: resources(cpu, 1, memory) } satisfies Profile);
    }),
    rates: undefined,
  };
}

/** Columns, where the file names them, must be those that are read. */
function columns(field: Field, expected: readonly string[]): void {
  if (!field.absent) field.row(...expected).forEach((column, i) => column.word([expected[i] as string]));
}

function shares<T>(list: Field, read: (item: Field) => Share<T>): readonly Share<T>[] {
  const all = list.items().map(read);
  const sum = all.reduce((total, { percent }) => total + percent, 0);
  if (Math.abs(sum - 100) > ROUNDING) throw new Error(`${list.path}: percents must add up to 100, they make ${Number(sum.toFixed(6))}`);
  return all;
}

const share = <T>(percent: Field, of: T): Share<T> => ({ percent: percent.number(0, 100), of });

const within = <T>({ percent, of }: Share<readonly Share<T>[]>): readonly Share<T>[] =>
  of.map((inner) => ({ percent: (inner.percent * percent) / 100, of: inner.of }));

/** @param millicores that one unit of `cpu` is */
function resources(cpu: Field, millicores: number, memory: Field): Resources {
  return { cpuMillicores: Math.round(cpu.number(0.001, 1e6) * millicores), memoryBytes: Math.round(memory.number(1, 1e9) * MIB) };
}

const classOf = (field: Field): CpuClass => (field.whole(0, 1) === 0 ? 'low' : 'high');

const CORES = 1_000;
const ROUNDING = 1e-6;
const MOST_NODES = 1 << 20;
