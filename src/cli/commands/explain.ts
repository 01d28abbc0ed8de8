import { Command } from 'commander';
import type { PlacementRow } from '../../docker-api/caravela-types.ts';
import { type Context, connect } from '../context.ts';
import { compileTemplate } from '../format/template/evaluate.ts';
import { consideredTable, givenUpLines, vectorText } from '../views/placement-text.ts';

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
  const where = placement.supplierName ?? placement.supplier?.slice(0, 12) ?? 'no node';
  const attempts = placement.attempts === 1 ? '1 attempt' : `${placement.attempts} attempts`;
  const lines = [
    `${name} was placed on ${where}, asked for on ${placement.buyerName ?? placement.buyer.slice(0, 12)}: found ${HOW[placement.by] ?? placement.by} in ${placement.tookMs} ms, ${attempts}, policy ${placement.policy}.`,
    `It holds ${vectorText(placement.wanted)}.`,
    ...givenUpLines(placement),
  ];
  const answers = consideredTable(placement.considered);
  return `${lines.join('\n')}\n${answers === '' ? '' : `\n${answers}`}`;
}
