import { EXIT, exitCodeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** One line about a run, for many seeds. */
export function summaryLine(outcome: Outcome): string {
  const { measures: m } = outcome;
  const verdict = verdictOf(outcome).padEnd(11);
  const facts = `${outcome.nodes} nodes, ${total(outcome.faults)} faults, ${m.placed} placed, ${total(m.refused)} refused`;
  return `seed ${outcome.seed}: ${verdict} ${facts}, p50 ${m.p50Ms.toFixed(0)} ms, p99 ${m.p99Ms.toFixed(0)} ms, trace ${outcome.traceHash}`;
}

/** All about a run, for people. */
export function report(outcome: Outcome): string {
  const { measures: m, traffic: t } = outcome;
  const seconds = outcome.virtualMs / 1_000;
  const perNode = t.datagramBytes / outcome.nodes / seconds;
  const lines = [
    `seed        ${outcome.seed}`,
    `verdict     ${verdictOf(outcome)}`,
    `trace       ${outcome.traceHash}`,
    `time        ${seconds.toFixed(1)} virtual s, ${outcome.nodes} nodes`,
    `faults      ${total(outcome.faults)}: ${counts(outcome.faults)}`,
    `runs        ${m.runs}: ${m.placed} placed, ${total(m.refused)} refused, ${m.orphaned} orphaned by a crash`,
    `refusals    ${counts(m.refused)}`,
    `placement   p50 ${m.p50Ms.toFixed(1)} ms, p99 ${m.p99Ms.toFixed(1)} ms from command to reply`,
    `datagrams   ${t.datagrams}, ${t.lost} messages lost, ${t.duplicated} doubled, ${perNode.toFixed(0)} bytes/s sent by a node`,
    `streams     ${t.streamMessages} messages, ${t.streamBytes} bytes`,
    `messages    ${counts(t.kinds)}`,
    `events      ${counts(outcome.events)}`,
  ];
  for (const v of outcome.violations) lines.push(`VIOLATION   ${v.property}, ${v.checker}, at ${v.atMs.toFixed(3)} ms: ${v.what}`);
  if (outcome.crash !== undefined) lines.push(`CRASH       ${outcome.crash.stack ?? outcome.crash.message}`);
  if (exitCodeOf(outcome) !== EXIT.ok) lines.push(`again       node src/sim/main.ts ${outcome.again} --verbose`);
  return lines.join('\n');
}

function verdictOf(outcome: Outcome): string {
  const code = exitCodeOf(outcome);
  return Object.entries(EXIT).find(([, value]) => value === code)?.[0] ?? String(code);
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, n) => sum + n, 0);
}

function counts(of: ReadonlyMap<string, number>): string {
  const entries = [...of].sort(([, a], [, b]) => b - a).map(([what, n]) => `${what} ${n}`);
  return entries.length === 0 ? 'none' : entries.join(', ');
}
