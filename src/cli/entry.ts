import type { Command } from 'commander';
import type { Context } from './context.ts';

/** A command that is loaded only when it is run: most of a cold start is reading code. */
export interface Entry {
  readonly summary: string;
  load(): Promise<(context: Context) => Command>;
  /** Not listed in help: a second name. */
  readonly hidden?: boolean;
  /** Takes the ancestors' `-cpus` and `-memory`. */
  readonly ancestorWords?: boolean;
}

/** All commands, and the groups in which some have a second name. */
export interface Registry {
  readonly commands: Readonly<Record<string, Entry>>;
  readonly groups: Readonly<Record<string, Readonly<Record<string, Entry>>>>;
}
