import { AgreementUnavailable, type StoreAccess } from '../../agreement/port.ts';
import type { AgreementHost } from '../../agreement/members/port.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { NodeChanges } from '../../agreement/state/port.ts';
import { LeaveRefused } from '../../api/backend.ts';
import type { NodeId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';
import type { Neighbours } from './neighbours.ts';

/** Before this node leaves: another takes its part. @throws LeaveRefused unless forced */
export async function handOver(
  parts: { readonly host: AgreementHost; readonly store: StoreAccess; readonly neighbours: Neighbours; readonly log: Log },
  force: boolean,
): Promise<void> {
  const { host, store, neighbours, log } = parts;
  if (neighbours.alive().length === 0) return;
  if (!force) await expectMajority(store);
  const outcome = await host.handOver();
  if (outcome === 'handed-over') log('info', 'this node’s part in agreement was handed over', {});
  if (outcome === 'not-a-member' || outcome === 'handed-over') return;
  const refusal =
    outcome === 'nobody-to-take-over'
      ? 'this node alone takes part in agreement, and none of the others can take over: etcd is not installed there (Debian: apt install etcd-server). Install it on one of them and leave again'
      : 'this node’s part in agreement could not be handed over within its time: see "caravela agreement status", and leave again';
  if (force) return log('warn', `${refusal}. It leaves all the same`, {});
  throw new LeaveRefused(
    `${refusal}. With --force it leaves all the same: then nothing can be agreed until "caravela agreement recover" is run on a node with etcd, and the key that lets nodes join is gone for ever`,
  );
}

async function expectMajority(store: StoreAccess): Promise<void> {
  try {
    await store.get(KEYS.networksGuard);
  } catch (error) {
    if (!(error instanceof AgreementUnavailable)) throw error;
    throw new LeaveRefused(
      `this node can't give back its name and addresses now. ${error.message}. With --force it leaves all the same; when a majority answers again, say "caravela nodes rm" for it on another node`,
    );
  }
}

/** Name and leases are given back. Never rejects: what fails is logged, and `nodes rm` does it later. */
export async function giveUp(parts: {
  readonly self: NodeId;
  readonly state: NodeChanges;
  readonly neighbours: Neighbours;
  readonly log: Log;
}): Promise<void> {
  const { self, state, neighbours, log } = parts;
  // The last one leaves nothing that somebody could read.
  if (neighbours.alive().length === 0) return;
  try {
    await state.endNode(self, 'left', Date.now());
  } catch (error) {
    log('warn', 'the name and the addresses of this node could not be given back: say "caravela nodes rm" for it on another node', {
      error: (error as Error).message,
    });
  }
}
