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

/** Commands whose arguments are names of containers. */
export const ON_CONTAINERS: readonly string[] = [
  'start',
  'stop',
  'restart',
  'kill',
  'rm',
  'attach',
  'logs',
  'wait',
  'port',
  'inspect',
  'explain',
];
export const LIST_NAMES = "caravela ps -a --format '{{.Names}}' 2>/dev/null";

/** Options that name a network, and verbs of `network` that do. */
export const NETWORK_OPTIONS: readonly string[] = ['--network', '--net', '-n'];
export const ON_NETWORKS: readonly string[] = ['inspect', 'connect', 'disconnect', 'rm'];
export const LIST_NETWORKS = "caravela network ls --format '{{.Name}}' 2>/dev/null";
