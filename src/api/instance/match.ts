import { Array as ArrayOf, Object as ObjectOf, String as StringOf, Union, Literal } from 'typebox';
import { Check } from 'typebox/schema';
import type { Container, NodeId } from '../../core/model/index.ts';
import type { PeerAnswer } from './ask.ts';

/** How a word names a container, best first: Docker's order. */
export const RANKS = ['id', 'name', 'prefix'] as const;
type Rank = (typeof RANKS)[number];

export interface Match {
  readonly id: string;
  readonly name: string;
  readonly by: Rank;
}

export interface FoundAt {
  readonly match: Match;
  readonly node: NodeId;
}

/** GET /caravela/v1/locate at node scope. */
export interface LocateAnswer {
  matches: Match[];
}

const LOCATE_ANSWER = ObjectOf({
  matches: ArrayOf(ObjectOf({ id: StringOf(), name: StringOf(), by: Union([Literal('id'), Literal('name'), Literal('prefix')]) })),
});

/** Two different containers whose first 12 digits agree: not in this world. */
const UNMISTAKABLE_DIGITS = 12;
/** More than two matches of one rank say no more than two. */
const MATCHES = 16;

/** This node's containers that `word` may mean, of the best rank that has any. */
export function matchesHere(containers: readonly Container[], word: string): Match[] {
  const name = word.replace(/^\//, '');
  const match = (c: Container, by: Rank): Match => ({ id: c.request.containerId, name: c.name, by });
  const byId = containers.find((c) => c.request.containerId === name);
  if (byId !== undefined) return [match(byId, 'id')];
  const byName = containers.find((c) => c.name === name);
  if (byName !== undefined) return [match(byName, 'name')];
  if (!/^[0-9a-f]+$/.test(name)) return [];
  return containers
    .filter((c) => c.request.containerId.startsWith(name))
    .slice(0, MATCHES)
    .map((c) => match(c, 'prefix'));
}

/** Whether no other container can be meant instead. */
export const isFinal = (word: string, match: Match): boolean => match.by !== 'prefix' || word.length >= UNMISTAKABLE_DIGITS;

/** What a peer says that it has. */
export function foundBy(answer: PeerAnswer): FoundAt[] {
  if (answer.status !== 200 || !Check(LOCATE_ANSWER, answer.body)) return [];
  return answer.body.matches.slice(0, MATCHES).map((match) => ({ match, node: answer.member.id }));
}
