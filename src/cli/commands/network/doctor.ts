import { Command } from 'commander';
import type { FindingRow } from '../../../docker-api/caravela-types.ts';
import { type Context, connect } from '../../context.ts';
import { EXIT, Failure } from '../../failure.ts';
import { renderList, type View } from '../../format/list.ts';
import { table } from '../../format/table.ts';

export function networkDoctorCommand(context: Context): Command {
  return new Command('doctor')
    .description('Looks at what a network across hosts needs of a node, and says how to mend it. Ends with 1 where there is a problem.')
    .argument('[node]', 'its name; the node that is asked where none is said')
    .option('--format <format>', 'table, json, or a template: {{.Check}} {{.State}}')
    .action(async (node: string | undefined, options: { format?: string }, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<FindingRow[]>('GET', '/caravela/v1/network/doctor', { query: { node } });
      const isTable = options.format === undefined || options.format === 'table';
      context.io.stdout.write(isTable ? findingsText(value) : renderList(value, VIEW, options.format));
      const problems = value.filter(({ state }) => state === 'problem').length;
      if (problems > 0) throw new Failure(isTable ? `${problems} ${problems === 1 ? 'problem' : 'problems'} found` : '', EXIT.failed);
    });
}

const VIEW: View<FindingRow> = {
  columns: ['State', 'Check', 'Seen', 'Advice'],
  titles: { State: 'STATE', Check: 'CHECK', Seen: 'SEEN', Advice: 'ADVICE' },
  fields: ({ state, check, seen, advice }) => ({ State: state, Check: check, Seen: seen, Advice: advice }),
  json: (row) => row,
};

/** What was seen, then what to do about it: advice is too long for a column. */
function findingsText(findings: readonly FindingRow[]): string {
  const advice = findings.filter((finding) => finding.advice !== '').map((finding) => `${finding.check}: ${finding.advice}\n`);
  const rows = findings.map(({ state, check, seen }) => [state, check, seen]);
  return `${table([['STATE', 'CHECK', 'SEEN'], ...rows])}${advice.length === 0 ? '' : `\n${advice.join('')}`}`;
}
