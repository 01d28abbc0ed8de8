import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartsOf } from '../charts/charts.ts';
import { draw } from '../charts/draw.ts';
import { asMarkdown, comparison } from '../charts/table.ts';
import type { TrialResult } from '../workloads/trial-result.ts';
import { trialName } from './trial-name.ts';

/**
 * Writes trials of one kind (same workload, demand, nodes, loss) as JSON, as a table and as charts, in place of
 * what the last ones left.
 *
 * @param leaveOut members that the JSON shall not have
 * @returns the names of the files
 */
export async function keepResults(
  results: readonly TrialResult[],
  dir: string,
  leaveOut: readonly (keyof TrialResult)[] = [],
): Promise<readonly string[]> {
  const [first] = results;
  if (first === undefined) return [];
  const name = trialName(first);
  const charts = chartsOf(results);
  const seeds = [...new Set(results.map(({ seed }) => seed))];
  const table = [
    `# ${first.workload}, ${first.demand}, ${first.nodes} nodes`,
    `Seeds ${seeds.join(', ')}; packet loss ${Number((first.loss * 100).toFixed(3))} %. Means, ± standard deviation over the seeds.`,
    asMarkdown(comparison(results)),
    ...charts.map((chart) => `![${chart.name}](${name}-${chart.name}.svg)`),
  ];
  const kept = (key: string, value: unknown) => (leaveOut.some((left) => left === key) ? undefined : rounded(value));
  const files: (readonly [name: string, content: string])[] = [
    [`${name}.json`, `[\n${results.map((result) => JSON.stringify(result, kept)).join(',\n')}\n]\n`],
    [`${name}.md`, `${table.join('\n\n')}\n`],
  ];
  for (const chart of charts) files.push([`${name}-${chart.name}.svg`, `${await draw(chart.spec)}\n`]);
  mkdirSync(dir, { recursive: true });
  for (const [file, content] of files) writeFileSync(join(dir, file), content);
  return files.map(([file]) => file);
}

/** Six digits are more than any of it is worth. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}
