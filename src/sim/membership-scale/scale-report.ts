import type { Known, Scale } from './scale-trial.ts';

/** What trials of one kind came to: means over their seeds, and the worst where it says so. */
export function scaleReport(session: string, trials: readonly Scale[]): string {
  const [first] = trials;
  if (first === undefined) return 'no seeds';
  const { profile, nodes, loss } = first.options;
  const mean = (of: (trial: Scale) => number): string => {
    const values = trials.map(of).filter((value) => !Number.isNaN(value));
    return values.length === 0 ? '–' : (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(0);
  };
  /** None were seen at all: nothing to say. */
  const most = (values: readonly number[]): string => {
    const known = values.filter((value) => !Number.isNaN(value));
    return known.length === 0 ? '–' : Math.max(...known).toFixed(0);
  };
  const times = (of: (trial: Scale) => Known): string =>
    `${trials.reduce((sum, t) => sum + of(t).count, 0)}: p50 ${mean((t) => of(t).p50)}, p99 ${mean((t) => of(t).p99)}, ` +
    `all ${mean((t) => of(t).all)}, most ${most(trials.map((t) => of(t).most))} ms, ${trials.reduce((sum, t) => sum + of(t).open, 0)} open`;
  return [
    `${profile}, ${nodes} nodes, sessions of ${session}, loss ${loss}, ${trials.length} seeds, ${mean((t) => t.windowMs / 1_000)} s each`,
    `  sent by a node  ${mean((t) => t.udp)} B/s of UDP in ${mean((t) => t.packets)} packets/s (most ${mean((t) => t.udpMost)} B/s), ${mean((t) => t.streams)} B/s on streams`,
    `  of the UDP      probing ${mean((t) => t.probing)}, gossip ${mean((t) => t.gossip)}, hints ${mean((t) => t.hints)} B/s`,
    `  deaths known    ${times((t) => t.deaths)}; ${trials.reduce((sum, t) => sum + t.falseDeaths, 0)} false`,
    `  joins known     ${times((t) => t.joins)}`,
    `  hints known     ${times((t) => t.rows)}`,
  ].join('\n');
}
