import type { Prng } from '../../lib/prng.ts';
import { DAEMON_WEIGHTS, causeDaemonFault, drawDaemonFault } from './daemon-faults.ts';
import type { DaemonFault } from './daemon-faults.ts';
import type { Fault, FaultKind } from './fault.ts';
import { HOST_WEIGHTS, causeHostFault, drawHostFault } from './host-faults.ts';
import type { HostFault } from './host-faults.ts';
import { MEMBER_WEIGHTS, causeMemberFault, drawMemberFault } from './member-faults.ts';
import type { MemberFault } from './member-faults.ts';
import { NETWORK_WEIGHTS, causeNetworkFault, drawNetworkFault } from './network-faults.ts';
import type { NetworkFault } from './network-faults.ts';
import type { End, Reach, When } from './reach.ts';

/** How often each kind comes, relative to the others. */
export const FAULT_WEIGHTS: Readonly<Record<FaultKind, number>> = {
  ...DAEMON_WEIGHTS,
  ...HOST_WEIGHTS,
  ...NETWORK_WEIGHTS,
  ...MEMBER_WEIGHTS,
};

export function drawFault(random: Prng, kind: FaultKind, when: When, nodes: number): Fault {
  if (isOf(DAEMON_WEIGHTS, kind)) return drawDaemonFault(random, kind, when, nodes);
  if (isOf(HOST_WEIGHTS, kind)) return drawHostFault(random, kind, when, nodes);
  if (isOf(NETWORK_WEIGHTS, kind)) return drawNetworkFault(random, kind, when, nodes);
  return drawMemberFault(random, kind, when, nodes);
}

/** Returns what ends it; undefined where it can't happen now. */
export function causeFault(reach: Reach, fault: Fault): End | undefined {
  if (isOf(DAEMON_WEIGHTS, fault.kind)) return causeDaemonFault(reach, fault as DaemonFault);
  if (isOf(HOST_WEIGHTS, fault.kind)) return causeHostFault(reach, fault as HostFault);
  if (isOf(NETWORK_WEIGHTS, fault.kind)) return causeNetworkFault(reach, fault as NetworkFault);
  return causeMemberFault(reach, fault as MemberFault);
}

function isOf<K extends FaultKind>(weights: Readonly<Record<K, number>>, kind: FaultKind): kind is K {
  return Object.hasOwn(weights, kind);
}
