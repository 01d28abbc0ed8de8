import type { ConsideredRow, PlacementRow, Vector } from '../../docker-api/caravela-types.ts';
import { binarySize, cpus } from '../format/human.ts';
import { table } from '../format/table.ts';

/** What each node answered, who took it first; '' where nobody was asked. */
export function consideredTable(considered: readonly ConsideredRow[]): string {
  if (considered.length === 0) return '';
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
  return table([['NODE', 'ANSWER', 'FREE CPUS', 'FREE MEMORY', 'SCORE', 'DETAIL'], ...rows]);
}

export const vectorText = (resources: Vector): string => `${cpus(resources.cpuMillicores)} CPUs and ${binarySize(resources.memoryBytes)}`;

/** A line for wishes that could not be met, or none. */
export function givenUpLines({ givenUp = [] }: PlacementRow): readonly string[] {
  return givenUp.length === 0
    ? []
    : [`Given up, as nobody who met ${givenUp.length === 1 ? 'it' : 'them'} had room: ${givenUp.join(', ')}.`];
}

function verdict(row: ConsideredRow): string {
  if (row.accepted) return 'accepted';
  return row.reason === undefined || row.reason === '' ? 'fits, not preferred' : `no: ${row.reason}`;
}

/** Who took it, then who would have, best first, then who refused. */
function byRank(a: ConsideredRow, b: ConsideredRow): number {
  return Number(b.accepted) - Number(a.accepted) || (a.score ?? Infinity) - (b.score ?? Infinity) || 0;
}
