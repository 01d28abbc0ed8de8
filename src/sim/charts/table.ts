import type { TrialResult } from '../workloads/trial-result.ts';
import { measuresFor } from './measures.ts';
import { spreadOf, spreadText } from './spread.ts';

export type Rows = readonly (readonly string[])[];

/** A row per measure, a column per contender, means over the seeds with their deviation; the head comes first. */
export function comparison(results: readonly TrialResult[]): Rows {
  const contenders = [...new Set(results.map(({ contender }) => contender))];
  const rows = measuresFor(results).map(({ name, of, format }) => [
    name,
    ...contenders.map((contender) => {
      const spread = spreadOf(results.filter((result) => result.contender === contender).map(of));
      return spread === undefined ? '–' : spreadText(spread, format);
    }),
  ]);
  return [['', ...contenders], ...rows];
}

/** For a terminal: the first column left-aligned, the others right. */
export function asText(rows: Rows): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const cell = (text: string, column: number) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0));
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

export function asMarkdown(rows: Rows): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}
