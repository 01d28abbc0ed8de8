import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LeaveRefused } from '../api/backend.ts';
import { shortId } from '../core/model/index.ts';
import type { CoreNode } from '../core/node/port.ts';
import { detectCgroups, killCgroup, removeCgroup } from '../linux/cgroup.ts';
import type { Agreement } from './agreement/port.ts';
import type { CoreLoop } from './core-loop.ts';
import type { Log } from './log.ts';
import { type NodePaths, removeNode } from './node-files.ts';

/** Time for the news to travel before the daemon falls silent. */
const GOODBYE_MS = 1_000;

export interface LeaveParts {
  readonly paths: NodePaths;
  readonly node: CoreNode;
  readonly loop: CoreLoop;
  readonly log: Log;
  readonly agreement: Pick<Agreement, 'handOver' | 'giveUp'>;
  /** Takes what this node has in the kernel's networks away. */
  removeNetworks(): Promise<void>;
  close(): Promise<void>;
  onLeft(): void;
}

/**
 * Takes this node out of its instance: its containers go, the others are told, the host is as it was
 * before. Resolves once all but the last is done: the answer must still reach the client, so the
 * daemon ends itself, and removes what is left, a moment later.
 * @throws LeaveRefused: it stays
 */
export async function leave(parts: LeaveParts, force: boolean): Promise<void> {
  const { node, loop } = parts;
  if (!force) refuse(parts);
  const { draining } = node.self();
  await parts.agreement.handOver({ force });
  await loop.command({ kind: 'describe', change: { draining: true } });
  try {
    await giveBack(parts, force);
  } catch (error) {
    // It stays, and takes requests as before.
    await loop.command({ kind: 'describe', change: { draining } });
    throw error;
  }
  await loop.command({ kind: 'leave' });
  setTimeout(() => void finish(parts), GOODBYE_MS);
}

async function giveBack({ node, loop, agreement }: LeaveParts, force: boolean): Promise<void> {
  // Until none is left: what was held before this node began to drain may still be launched meanwhile.
  for (let [next] = node.containers(); next !== undefined; [next] = node.containers()) {
    const { name, request } = next;
    const removed = await loop.command({ kind: 'remove', containerId: request.containerId, force: true, volumes: true });
    if (!removed.ok) throw new LeaveRefused(`container ${name} could not be removed: ${removed.error.message}`);
  }
  await agreement.giveUp({ force });
}

function refuse({ node }: LeaveParts): void {
  const names = node.containers().map((container) => container.name);
  if (names.length > 0) {
    const some = names.slice(0, 5).join(', ') + (names.length > 5 ? ' …' : '');
    throw new LeaveRefused(
      `${names.length} containers are on this node (${some}): remove them first, or leave with --force, which removes them`,
    );
  }
}

/** Each step is tried whatever became of the one before: nobody is there any more to try again. */
async function finish(parts: LeaveParts): Promise<void> {
  const steps = [
    () => parts.removeNetworks(),
    () => parts.close(),
    () => removeCgroups(shortId(parts.node.self().id)),
    async () => removeLeftovers(parts.paths),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      parts.log('warn', 'something of this node is left on the host', { error: String(error) });
    }
  }
  parts.log('info', 'this node left its instance');
  parts.onLeft();
}

/**
 * Images, state, identity: whatever is in the two directories, but never the directories' own parents. What
 * makes this host a node goes first: where the rest can't be removed, no later start takes it for one.
 */
function removeLeftovers(paths: NodePaths): void {
  removeNode(paths);
  for (const dir of [paths.runDir, paths.dataDir]) {
    if (!existsSync(dir)) continue;
    for (const name of readdirSync(dir)) {
      // The log tells how it ended.
      if (name !== 'daemon.log') rmSync(join(dir, name), { recursive: true, force: true, maxRetries: 3 });
    }
  }
}

/** The node's control groups: the empty parent, and that of the conmons, of which the last may just be ending. */
async function removeCgroups(nodeShortId: string): Promise<void> {
  const trees = detectCgroups();
  const path = `/caravela-${nodeShortId}`;
  if (await killCgroup(trees, path)) removeCgroup(trees, path);
}
