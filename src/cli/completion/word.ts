/** A command as completion sees it. */
export interface Word {
  readonly name: string;
  readonly summary: string;
  /** Long forms, with their dashes. */
  readonly options: readonly string[];
  /** Second words, where it has some. */
  readonly verbs: readonly string[];
}

/** Commands whose arguments are names of containers. */
export const ON_CONTAINERS: readonly string[] = ['start', 'stop', 'kill', 'rm', 'logs', 'wait', 'port', 'inspect', 'explain'];
export const LIST_NAMES = "caravela ps -a --format '{{.Names}}' 2>/dev/null";
