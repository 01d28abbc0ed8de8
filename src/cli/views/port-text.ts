import type { PortSummary } from '../../docker-api/types.ts';

interface Run {
  readonly first: PortSummary;
  readonly last: PortSummary;
}

/** The ports of a row as Docker shows them, neighbours as one range: `0.0.0.0:8000-8002->80-82/tcp, 53/udp`. */
export function portsText(ports: readonly PortSummary[]): string {
  const runs: Run[] = [];
  for (const port of ports.toSorted(byPlace)) {
    const run = runs.at(-1);
    if (run !== undefined && follows(run.last, port)) runs[runs.length - 1] = { first: run.first, last: port };
    else runs.push({ first: port, last: port });
  }
  return runs.map(runText).join(', ');
}

const byPlace = (a: PortSummary, b: PortSummary): number =>
  Number(b.PublicPort !== undefined) - Number(a.PublicPort !== undefined) ||
  compare(a.IP ?? '', b.IP ?? '') ||
  compare(a.Type, b.Type) ||
  a.PrivatePort - b.PrivatePort ||
  (a.PublicPort ?? 0) - (b.PublicPort ?? 0);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whether `next` is one further on both sides. */
function follows(last: PortSummary, next: PortSummary): boolean {
  const sameKind = last.Type === next.Type && last.IP === next.IP && next.PrivatePort === last.PrivatePort + 1;
  return sameKind && (next.PublicPort === undefined ? last.PublicPort === undefined : next.PublicPort === (last.PublicPort ?? 0) + 1);
}

function runText({ first, last }: Run): string {
  const inside = `${range(first.PrivatePort, last.PrivatePort)}/${first.Type}`;
  if (first.PublicPort === undefined) return inside;
  return `${first.IP ?? '0.0.0.0'}:${range(first.PublicPort, last.PublicPort ?? first.PublicPort)}->${inside}`;
}

const range = (from: number, to: number): string => (from === to ? String(from) : `${from}-${to}`);
