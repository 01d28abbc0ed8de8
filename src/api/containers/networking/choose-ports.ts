import { type HostPort, LIMITS, portsClash, portWords, type Result } from '../../../core/model/index.ts';
import { takenWords } from '../../../core/model/host-access.ts';
import type { PortRange, PortWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import { PortRefused } from '../../network-service.ts';
import type { Settled } from '../settle.ts';
import { hostPortOf } from './ports.ts';

/** Ports that are tried in all, however long the ranges are. */
const TRIES = LIMITS.hostPorts;

type Outcome = { readonly result: Result } | { readonly refused: PortRefused };

/**
 * Runs with one port chosen of each range of the host's (`-p 8080-8090:80`): the first that this node, which serves it
 * too, and a node with room have free. One that is found to be taken gives way to the next. From then on it is as a port
 * that was named: the container has it until it is removed. @throws ApiError 400; NetworkRefused where none is left
 */
export async function withPortsChosen(settled: readonly Settled[], run: (settled: readonly Settled[]) => Promise<Result>): Promise<Result> {
  const taken: HostPort[] = [];
  let chosen = choose(settled, taken);
  if (chosen === undefined)
    throw new ApiError(400, 'the ranges of host ports overlap, and have fewer ports than are published: make them longer');
  for (let tries = 1; ; tries++) {
    const outcome = await tried(run, chosen);
    const found: readonly HostPort[] = chosenPorts(chosen).filter((port) => isFoundTaken(outcome, port));
    taken.push(...found);
    const next: readonly Settled[] | undefined = found.length === 0 || tries === TRIES ? undefined : choose(settled, taken);
    if (next !== undefined) chosen = next;
    else if ('refused' in outcome) throw outcome.refused;
    else return outcome.result;
  }
}

async function tried(run: (settled: readonly Settled[]) => Promise<Result>, chosen: readonly Settled[]): Promise<Outcome> {
  try {
    return { result: await run(chosen) };
  } catch (error) {
    if (error instanceof PortRefused) return { refused: error };
    throw error;
  }
}

/** Here, or on a node that was asked. */
function isFoundTaken(outcome: Outcome, port: HostPort): boolean {
  if ('refused' in outcome) return portsClash(outcome.refused.port, port);
  if (outcome.result.ok) return false;
  const considered = outcome.result.placement?.considered ?? [];
  return considered.some(({ reason, detail }) => reason === 'port' && takenWords(detail).port === portWords(port));
}

/** The first port of each range that is neither taken nor published beside it. undefined: there is none. */
function choose(settled: readonly Settled[], taken: readonly HostPort[]): readonly Settled[] | undefined {
  const had = [
    ...taken,
    ...settled.flatMap(({ networking }) => networking.ports.filter((wish) => !isRange(wish) && wish.hostPort > 0).map(hostPortOf)),
  ];
  const chosen: Settled[] = [];
  for (const each of settled) {
    const ports: PortWish[] = [];
    for (const wish of each.networking.ports) {
      const one = isRange(wish) ? firstOf(wish, had) : wish;
      if (one === undefined) return undefined;
      if (isRange(one)) had.push(hostPortOf(one));
      ports.push(one);
    }
    chosen.push({ ...each, networking: { ...each.networking, ports } });
  }
  return chosen;
}

function firstOf(wish: RangeWish, had: readonly HostPort[]): RangeWish | undefined {
  for (let hostPort = wish.hostRange.first; hostPort <= wish.hostRange.last; hostPort++) {
    const one = { ...wish, hostPort };
    if (!had.some((other) => portsClash(other, hostPortOf(one)))) return one;
  }
  return undefined;
}

type RangeWish = PortWish & { readonly hostRange: PortRange };

const isRange = (wish: PortWish): wish is RangeWish => wish.hostRange !== undefined;

const chosenPorts = (settled: readonly Settled[]): readonly HostPort[] =>
  settled.flatMap(({ networking }) => networking.ports.filter(isRange).map(hostPortOf));
