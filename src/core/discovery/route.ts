/**
 * Where a find goes next (DESIGN §6, Find). A region's hit probability comes from its hint: with so
 * many offers in so many shards, and this share of the box at or above the need, how likely does the
 * shard asked have one? Times that share once more, for machines come in round sizes: offers lie at the
 * lower edge of their box, not evenly in it. The first query goes by score to a region with p of 0.5 or more,
 * so that a request goes where it wastes least; after a miss the second and the fourth go to a random safe
 * region, so that a full corner of the resource space, or a stale hint, can't swallow all eight. In
 * simulation at 1,000 nodes a burst took 350 ms at the 99th percentile by this, where three queries by score
 * took 530, and large nodes stayed whole longer (ADR 13). In a small instance hints are fresh and a wasted
 * query costs nothing, so one fitting offer is enough to go by score.
 */
import type { Prng } from '../../lib/prng.ts';
import { assert } from '../../lib/assert.ts';
import { regionKey } from '../model/index.ts';
import type { Hint, Need, Region, Resources } from '../model/index.ts';
import { classRank } from '../model/filter.ts';
import { countOf } from './hint-level.ts';
import { bucketsOf, fitShare, middleOf } from './region.ts';
import { score } from './score.ts';
import { DISCOVERY } from './tunables.ts';

export interface FindState {
  readonly asked: number;
  /** Regions asked before, as regionKey; more than once where several of its shards were. */
  readonly used: readonly string[];
  /** A safe region next, whatever the turn: the last trader was overrun. */
  readonly escalate: boolean;
}

/** What this node believes of the instance. */
export interface View {
  readonly hints: readonly Hint[];
  /** Mean capacity. */
  readonly mean: Resources;
  readonly members: number;
}

export interface Query {
  readonly region: Region;
  readonly shard: number;
}

interface Choice {
  readonly hint: Hint;
  readonly probability: number;
  readonly score: number;
}

/** @returns undefined where no region can have what is needed, or all queries are spent. */
export function nextQuery(need: Need, state: FindState, view: View, random: Prng): Query | undefined {
  if (state.asked >= DISCOVERY.queries) return undefined;
  const choices = possible(need, state.used, view);
  const insist = DISCOVERY.thresholds[state.asked];
  const safeTurn = state.escalate || DISCOVERY.safeTurns.includes(state.asked);
  const chosen = (safeTurn ? pickSafe(need, choices, random) : undefined) ?? pickByScore(choices, insist);
  return chosen === undefined ? undefined : { region: chosen.hint.region, shard: random.int(2 ** chosen.hint.splitLevel) };
}

/** Whether some region has what is needed almost for certain. */
export function isSafeSomewhere(need: Need, view: View): boolean {
  return possible(need, [], view).some(isSafe);
}

function possible(need: Need, used: readonly string[], { hints, mean, members }: View): Choice[] {
  const trust = members <= DISCOVERY.smallInstance ? DISCOVERY.smallTrust : DISCOVERY.trust;
  const low = bucketsOf(need.resources);
  const choices: Choice[] = [];
  for (const hint of hints) {
    const { region, countLevel, splitLevel } = hint;
    if (countLevel === 0 || region.cpuBucket < low.cpu || region.memoryBucket < low.memory) continue;
    if (classRank(region.class) < classRank(need.class)) continue;
    const key = regionKey(region);
    const times = used.reduce((n, other) => (other === key ? n + 1 : n), 0);
    const shards = 2 ** splitLevel;
    if (times >= Math.min(shards, DISCOVERY.askRegion)) continue;
    const fit = fitShare(region, need.resources);
    const hit = (1 - Math.exp((-trust * fit * countOf(countLevel)) / shards)) * fit;
    const middle = { class: region.class, free: middleOf(region, need.resources) };
    choices.push({ hint, probability: times > 0 ? hit / 2 : hit, score: score(need, middle, mean) });
  }
  return choices.sort((a, b) => a.score - b.score);
}

function pickByScore(choices: readonly Choice[], insist: number | undefined): Choice | undefined {
  const good = insist === undefined ? undefined : choices.find((choice) => choice.probability >= insist);
  return (
    good ?? choices.reduce<Choice | undefined>((best, c) => (best === undefined || c.probability > best.probability ? c : best), undefined)
  );
}

/** At random, weighted by count; a higher class than needed only where there is nothing else. */
function pickSafe(need: Need, choices: readonly Choice[], random: Prng): Choice | undefined {
  const safe = choices.filter(isSafe);
  const weights = safe.map(({ hint }) => countOf(hint.countLevel) * 2 ** (-8 * (classRank(hint.region.class) - classRank(need.class))));
  let left = random.float() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, choice] of safe.entries()) {
    const weight = weights[i];
    assert(weight !== undefined, 'each safe region has a weight');
    left -= weight;
    if (left < 0) return choice;
  }
  return safe.at(-1);
}

const isSafe = ({ probability }: Choice): boolean => probability >= DISCOVERY.safe;
