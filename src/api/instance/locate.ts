import { Array as ArrayOf, Object as ObjectOf, String as StringOf, Union, Literal } from 'typebox';
import { Check } from 'typebox/schema';
import type { Container, ContainerId, NodeId } from '../../core/model/index.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiContext } from '../context.ts';
import { askAll, deadMembers, type PeerAnswer } from './ask.ts';
import { namesOf, type Scope } from './scope.ts';

/** How a word names a container, best first: Docker's order. */
const RANKS = ['id', 'name', 'prefix'] as const;
type Rank = (typeof RANKS)[number];

export interface Match {
  readonly id: string;
  readonly name: string;
  readonly by: Rank;
}

/** GET /caravela/v1/locate at node scope. */
export interface LocateAnswer {
  matches: Match[];
}

const LOCATE_ANSWER = ObjectOf({
  matches: ArrayOf(ObjectOf({ id: StringOf(), name: StringOf(), by: Union([Literal('id'), Literal('name'), Literal('prefix')]) })),
});

export type Located =
  | { readonly at: 'here'; readonly container: Container }
  | { readonly at: 'peer'; readonly node: NodeId; readonly id: ContainerId };

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

const isFinal = (word: string, match: Match): boolean => match.by !== 'prefix' || word.length >= UNMISTAKABLE_DIGITS;

/**
 * Finds the one container that `word` means: by full id, name, or unique prefix of an id; here first,
 * then by asking all nodes.
 * @throws ApiError 404 (all answered, none has it), 503 (none has it, some did not answer), 400 (a prefix of several), 409 (a name of several)
 */
export async function locate(context: ApiContext, word: string, scope: Scope): Promise<Located> {
  const { backend, whereabouts } = context;
  const here = matchesHere(backend.containers(), word);
  const only = here[0];
  if (only !== undefined && here.length === 1 && isFinal(word, only)) return hereOf(context, only);
  if (scope === 'node')
    return pick(
      context,
      word,
      here.map((match) => ({ match, node: backend.self().id })),
    );

  const known = whereabouts.of(word);
  if (known !== undefined && backend.members().some((m) => m.id === known && m.state !== 'left')) {
    return { at: 'peer', node: known, id: word as ContainerId };
  }
  const asked = await askAll(backend, {
    path: `/caravela/v1/locate?name=${encodeURIComponent(word)}`,
    enough: (answer) => foundBy(answer).some(({ match }) => isFinal(word, match)),
  });
  const found = [...here.map((match) => ({ match, node: backend.self().id })), ...asked.answers.flatMap(foundBy)];
  if (found.length > 0) return pick(context, word, found);
  const silent = [...asked.silent, ...deadMembers(backend)];
  if (silent.length === 0) throw noSuchContainer(word);
  throw new ApiError(
    503,
    `No container ${word} on the nodes that answered; ${namesOf(silent)} did not answer and may have it. Try again when ${silent.length === 1 ? 'it is' : 'they are'} back`,
  );
}

export const noSuchContainer = (word: string): ApiError => new ApiError(404, `No such container: ${word}`);

/** Nodes that already have a container of exactly this name. */
export async function holdersOfName(context: ApiContext, name: string): Promise<Match[]> {
  const here = matchesHere(context.backend.containers(), name).filter((m) => m.by === 'name');
  if (here.length > 0) return here;
  const named = (answer: PeerAnswer): Match[] =>
    foundBy(answer).flatMap(({ match }) => (match.by === 'name' && match.name === name ? [match] : []));
  const asked = await askAll(context.backend, {
    path: `/caravela/v1/locate?name=${encodeURIComponent(name)}`,
    enough: (answer) => named(answer).length > 0,
  });
  return asked.answers.flatMap(named);
}

interface Found {
  readonly match: Match;
  readonly node: NodeId;
}

function foundBy(answer: PeerAnswer): Found[] {
  if (answer.status !== 200 || !Check(LOCATE_ANSWER, answer.body)) return [];
  return answer.body.matches.slice(0, MATCHES).map((match) => ({ match, node: answer.member.id }));
}

function pick(context: ApiContext, word: string, found: readonly Found[]): Located {
  const rank = RANKS.find((by) => found.some((f) => f.match.by === by));
  const best = found.filter((f) => f.match.by === rank);
  const [first, second] = best;
  if (first === undefined) throw noSuchContainer(word);
  if (second !== undefined && rank === 'prefix') throw new ApiError(400, `multiple IDs found with provided prefix: ${word}`);
  if (second !== undefined) {
    throw new ApiError(
      409,
      `${best.length} containers are named ${word}; say which by id: ${best.map((f) => f.match.id.slice(0, 12)).join(', ')}`,
    );
  }
  if (first.node === context.backend.self().id) return hereOf(context, first.match);
  context.whereabouts.remember(first.match.id as ContainerId, first.node);
  return { at: 'peer', node: first.node, id: first.match.id as ContainerId };
}

function hereOf(context: ApiContext, match: Match): Located {
  const container = context.backend.container(match.id as ContainerId);
  if (container === undefined) throw noSuchContainer(match.name);
  return { at: 'here', container };
}
