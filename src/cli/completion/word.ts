/** A command as completion sees it. */
export interface Word {
  readonly name: string;
  readonly summary: string;
  /** Long forms, with their dashes. */
  readonly options: readonly string[];
  /** Second words, where it has some. */
  readonly verbs: readonly Verb[];
}

/** A second word; without options of its own it takes none here. */
export interface Verb {
  readonly name: string;
  readonly options: readonly string[];
}

/** Names that an argument may be, and who takes them. */
export interface Names {
  /** Prints them. */
  readonly list: string;
  /** Commands, by one word or two. */
  readonly verbs: readonly string[];
}

const named = (words: string): string => `caravela ${words} 2>/dev/null`;
const ON_CONTAINERS =
  'start stop restart kill rm pause unpause rename update exec attach logs top stats wait port cp diff export commit inspect'.split(' ');
const ON_IMAGES = 'push tag history save'.split(' ');

export const CONTAINERS: Names = {
  list: named("ps -a --format '{{.Names}}'"),
  verbs: [...ON_CONTAINERS, 'explain', ...ON_CONTAINERS.map((verb) => `container ${verb}`)],
};
export const NETWORKS: Names = {
  list: named("network ls --format '{{.Name}}'"),
  verbs: ['inspect', 'connect', 'disconnect', 'rm'].map((verb) => `network ${verb}`),
};
const IMAGES: Names = {
  list: named("images --format '{{.Repository}}:{{.Tag}}'"),
  verbs: [
    'run',
    'rmi',
    ...ON_IMAGES,
    'container run',
    'container create',
    ...[...ON_IMAGES, 'rm', 'inspect'].map((verb) => `image ${verb}`),
  ],
};
const VOLUMES: Names = { list: named('volume ls -q'), verbs: ['volume inspect', 'volume rm'] };

export const ALL_NAMES: readonly Names[] = [CONTAINERS, IMAGES, NETWORKS, VOLUMES];

/** Those of one word, or of two. */
export const wordsOf = ({ verbs }: Names, count: 1 | 2): readonly string[] => verbs.filter((verb) => verb.split(' ').length === count);

/** Verbs after whose network a container follows. */
export const THEN_CONTAINER: readonly string[] = ['network connect', 'network disconnect'];
/** Options that name a network. */
export const NETWORK_OPTIONS: readonly string[] = ['--network', '--net', '-n'];
