import { Command } from 'commander';
import type { ConsideredRow, PlacementRow, Vector } from '../../docker-api/caravela-types.ts';
import { type Context, connect } from '../context.ts';
import { binarySize, cpus } from '../format/human.ts';
import { table } from '../format/table.ts';
import { compileTemplate } from '../format/template/evaluate.ts';

const HOW: Readonly<Record<string, string>> = {
  directory: 'through the directory of offers',
  direct: 'by asking every node',
};

export function explainCommand(context: Context): Command {
  return new Command('explain')
    .description('Says why a container is where it is: which nodes were considered, and what each answered.')
    .argument('<container>')
    .option('--format <format>', 'json, or a template: {{.supplierName}}')
    .action(async (name: string, options: { format?: string }, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<PlacementRow>('GET', `/caravela/v1/explain/${encodeURIComponent(name)}`);
      const { format } = options;
      if (format === undefined || format === 'table') context.io.stdout.write(describe(name, value));
      else context.io.stdout.write(`${format === 'json' ? JSON.stringify(value) : compileTemplate(format)(value)}\n`);
    });
}

function describe(name: string, placement: PlacementRow): string {
  const { wanted, considered } = placement;
  const where = placement.supplierName ?? placement.supplier?.slice(0, 12) ?? 'no node';
  const attempts = placement.attempts === 1 ? '1 attempt' : `${placement.attempts} attempts`;
  const lines = [
    `${name} was placed on ${where}, asked for on ${placement.buyerName ?? placement.buyer.slice(0, 12)}: found ${HOW[placement.by] ?? placement.by} in ${placement.tookMs} ms, ${attempts}, policy ${placement.policy}.`,
    `It holds ${vector(wanted)}.`,
  ];
  if (considered.length === 0) return `${lines.join('\n')}\n`;
  const rows = considered
    .toSorted(byRank)
    .map((row) => [
      row.name,
      verdict(row),
      row.free === undefined ? '' : cpus(row.free.cpuMillicores),
      row.free === undefined ? '' : binarySize(row.free.memoryBytes),
      row.score === undefined ? '' : row.score.toFixed(2),
      row.detail,
    ]);
  return `${lines.join('\n')}\n\n${table([['NODE', 'ANSWER', 'FREE CPUS', 'FREE MEMORY', 'SCORE', 'DETAIL'], ...rows])}`;
}

function vector(resources: Vector): string {
  return `${cpus(resources.cpuMillicores)} CPUs and ${binarySize(resources.memoryBytes)}`;
}

function verdict(row: ConsideredRow): string {
  if (row.accepted) return 'accepted';
  return row.reason === undefined || row.reason === '' ? 'fits, not preferred' : `no: ${row.reason}`;
}

/** Who took it, then who would have, best first, then who refused. */
function byRank(a: ConsideredRow, b: ConsideredRow): number {
  return Number(b.accepted) - Number(a.accepted) || (a.score ?? Infinity) - (b.score ?? Infinity) || 0;
}
