import type { Container, ContainerId, Member, NodeId } from '../../core/model/index.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiContext } from '../context.ts';
import { askAll, deadMembers, type PeerAnswer } from './ask.ts';
import { askDirectory, isLarge } from './ask-directory.ts';
import { foundBy, isFinal, matchesHere, RANKS, type FoundAt, type Match } from './match.ts';
import { namesOf, type Scope } from './scope.ts';

export type Located =
  | { readonly at: 'here'; readonly container: Container }
  | { readonly at: 'peer'; readonly node: NodeId; readonly id: ContainerId };

/**
 * Finds the one container that `word` means: by full id, name, or unique prefix of an id; here first, then
 * in a large instance by the name directory, and where that is not sure by asking all nodes.
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
  const own: readonly FoundAt[] = here.map((match) => ({ match, node: backend.self().id }));
  if (isLarge(context)) {
    const dead = deadMembers(backend);
    const { found, complete } = await askDirectory(context, word);
    const isSure = complete || found.some(({ match }) => isFinal(word, match));
    if (isSure && own.length + found.length > 0) return pick(context, word, [...own, ...found]);
    if (isSure) throw missing(word, dead);
  }
  const asked = await askAll(backend, {
    path: `/caravela/v1/locate?name=${encodeURIComponent(word)}`,
    enough: (answer) => foundBy(answer).some(({ match }) => isFinal(word, match)),
  });
  const found = [...own, ...asked.answers.flatMap(foundBy)];
  if (found.length > 0) return pick(context, word, found);
  throw missing(word, [...asked.silent, ...asked.dead]);
}

/** Nobody who could be asked has it: unknown only where that was everybody. */
function missing(word: string, silent: readonly Member[]): ApiError {
  if (silent.length === 0) return noSuchContainer(word);
  const when = silent.length === 1 ? 'it is' : 'they are';
  return new ApiError(
    503,
    `No container ${word} on the nodes that answered; ${namesOf(silent)} did not answer and may have it. Try again when ${when} back`,
  );
}

export const noSuchContainer = (word: string): ApiError => new ApiError(404, `No such container: ${word}`);

/**
 * Nodes that already have a container of exactly this name. In a large instance nobody is asked: the claim
 * of the name, which decides, comes with the run.
 */
export async function holdersOfName(context: ApiContext, name: string): Promise<Match[]> {
  const here = matchesHere(context.backend.containers(), name).filter((m) => m.by === 'name');
  if (here.length > 0 || isLarge(context)) return here;
  const named = (answer: PeerAnswer): Match[] =>
    foundBy(answer).flatMap(({ match }) => (match.by === 'name' && match.name === name ? [match] : []));
  const asked = await askAll(context.backend, {
    path: `/caravela/v1/locate?name=${encodeURIComponent(name)}`,
    enough: (answer) => named(answer).length > 0,
  });
  return asked.answers.flatMap(named);
}

function pick(context: ApiContext, word: string, found: readonly FoundAt[]): Located {
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
