import type { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import { confirm } from '../confirm.ts';
import { type Context, connect } from '../context.ts';
import { decimalSum } from '../format/human.ts';
import type { Io } from '../io.ts';
import { filters } from './filters.ts';
import { collect } from './options.ts';

/** What every `prune` takes. */
export interface PruneOptions {
  readonly force?: boolean;
  readonly filter?: readonly string[];
}

/** What one kind of thing is pruned to. */
export interface Pruned {
  /** `Deleted Containers`. */
  readonly title: string;
  readonly removed: readonly string[];
  /** Undefined where it has no size. */
  readonly bytes: number | undefined;
}

export function addPruneOptions(command: Command, keys = 'until=24h, label=KEY, label!=KEY'): Command {
  return command.option('-f, --force', 'without asking').option('--filter <key=value>', `only some: ${keys}`, collect);
}

/** Asks, does it, and tells what is gone. @param what for the warning: `all stopped containers`; several are listed */
export async function prune(
  context: Context,
  command: Command,
  what: string | readonly string[],
  { force, filter }: PruneOptions,
  action: (client: Client, filters: Record<string, string[]>) => Promise<readonly Pruned[]>,
): Promise<void> {
  const { io } = context;
  const wanted = filters(filter) ?? {};
  if (force !== true && !(await confirm(io, `WARNING! This will remove${listed(what)}\nAre you sure you want to continue?`))) return;
  tell(io, await action(await connect(context, command), wanted));
}

const listed = (what: string | readonly string[]): string =>
  typeof what === 'string' ? ` ${what}.` : `:\n${what.map((each) => `  - ${each}\n`).join('')}`;

function tell(io: Io, all: readonly Pruned[]): void {
  for (const { title, removed } of all) if (removed.length > 0) io.stdout.write(`${title}:\n${removed.join('\n')}\n\n`);
  const sizes = all.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  if (sizes.length > 0) io.stdout.write(`Total reclaimed space: ${decimalSum(sizes.reduce((sum, bytes) => sum + bytes, 0))}\n`);
}
