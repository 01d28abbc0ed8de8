import { ApiError } from '../http/api-error.ts';

/** What of a create concerns placement only, and what is left of its variables. */
export interface SwarmForms {
  readonly env: readonly string[];
  readonly constraints: readonly string[];
  readonly affinities: readonly string[];
}

const CONSTRAINT = 'constraint:';
const AFFINITY = 'affinity:';
const LABELS = { constraints: 'com.docker.swarm.constraints', affinities: 'com.docker.swarm.affinities' } as const;

/**
 * Classic Swarm had Docker's clients say where a container wants to be in its environment
 * (`-e constraint:storage==ssd`, `-e affinity:image==~redis`) or in two labels that hold JSON lists. The
 * variables are taken out, as Swarm did; labels stay what they are. @throws ApiError 400
 */
export function swarmForms(env: readonly string[], labels: Readonly<Record<string, string>>): SwarmForms {
  const of = (prefix: string): string[] => env.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  return {
    env: env.filter((entry) => !entry.startsWith(CONSTRAINT) && !entry.startsWith(AFFINITY)),
    constraints: [...listIn(labels, LABELS.constraints), ...of(CONSTRAINT)],
    affinities: [...listIn(labels, LABELS.affinities), ...of(AFFINITY)],
  };
}

function listIn(labels: Readonly<Record<string, string>>, key: string): readonly string[] {
  const text = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (text === undefined || text === '') return [];
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (Array.isArray(list) && list.every((item): item is string => typeof item === 'string')) return list;
  throw new ApiError(
    400,
    `the label ${key} must be a JSON list of strings, as ["storage==ssd"]; got ${JSON.stringify(text.slice(0, 120))}`,
  );
}
