import { readFileSync } from 'node:fs';
import { hasCode } from '../../linux/system-error.ts';
import { readSysctl } from '../../linux/sysctl.ts';
import type { NeighboursSeen } from './facts.ts';

const STATISTICS = '/proc/thread-self/net/stat/arp_cache';

/** @param permanent of our own entries in it, those that are set for good; @param endpoints our containers' interfaces */
export function readNeighbourTable(permanent: number, endpoints: number): NeighboursSeen | undefined {
  const most = Number(readSysctl('ipv4/neigh/default/gc_thresh3'));
  const statistics = parseStatistics(read());
  if (!(most > 0) || statistics === undefined) return undefined;
  return { most, now: Math.max(0, statistics.entries - permanent), endpoints, refused: statistics.refused };
}

/** A line of names, then one of hexadecimal counts for each processor; entries are everybody's. undefined: none such. */
export function parseStatistics(text: string): { readonly entries: number; readonly refused: number } | undefined {
  const [names = [], ...counts] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const column = (name: string): number[] => counts.map((fields) => Number.parseInt(fields[names.indexOf(name)] ?? '', 16));
  const [entries] = column('entries');
  if (entries === undefined || Number.isNaN(entries)) return undefined;
  // Older kernels don't count what they refuse.
  return { entries, refused: column('table_fulls').reduce((sum, count) => sum + (Number.isNaN(count) ? 0 : count), 0) };
}

function read(): string {
  try {
    return readFileSync(STATISTICS, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}
