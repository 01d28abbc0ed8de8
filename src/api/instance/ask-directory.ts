import type { NameEntry, NameKey, NodeId } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { API_LIMITS } from '../limits.ts';
import { askAll } from './ask.ts';
import { foundBy, type FoundAt } from './match.ts';

export interface DirectoryAnswer {
  readonly found: readonly FoundAt[];
  /** Whether nothing else can be meant: the keys' owners know all, and whoever they named has said what it has. */
  readonly complete: boolean;
}

/** Whether asking everybody would cost more than asking the name directory. */
export function isLarge({ backend }: ApiContext): boolean {
  return backend.members().filter(({ state }) => state === 'alive' || state === 'suspect').length > API_LIMITS.smallInstance;
}

/** Looks a word up in the name directory, then asks the nodes it names: only they know what they have now. */
export async function askDirectory(context: ApiContext, word: string): Promise<DirectoryAnswer> {
  const { backend } = context;
  const name = word.replace(/^\//, '');
  const keys: NameKey[] = [{ kind: 'name', name }];
  if (PREFIX.test(name)) keys.push({ kind: 'id', prefix: name });
  const answers = await Promise.all(keys.map((key) => lookUp(context, key)));
  const nodes = new Set<NodeId>(answers.flatMap(({ entries }) => entries.map(({ node }) => node)));
  nodes.delete(backend.self().id);
  const asked = await askAll(backend, {
    path: `/caravela/v1/locate?name=${encodeURIComponent(word)}`,
    whom: ({ id }) => nodes.has(id),
  });
  const found = asked.answers.flatMap(foundBy);
  const here = (entry: NameEntry): boolean => entry.node === backend.self().id;
  const confirmed = new Set(found.map(({ match }) => match.id));
  // An entry that its node does not confirm is stale, and then the directory may lack something newer as well.
  const isTrue = answers.every(({ entries }) => entries.every((entry) => here(entry) || confirmed.has(entry.containerId)));
  return { found, complete: isTrue && asked.silent.length === 0 && answers.every(({ complete }) => complete) };
}

/** The directory has ids by their first three digits. */
const PREFIX = /^[0-9a-f]{3,64}$/;

async function lookUp(
  { backend }: ApiContext,
  key: NameKey,
): Promise<{ readonly entries: readonly NameEntry[]; readonly complete: boolean }> {
  const result = await backend.command({ kind: 'look-up', key });
  return result.ok && result.kind === 'found' ? result : { entries: [], complete: false };
}
