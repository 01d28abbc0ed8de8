import type { DaemonFault } from './daemon-faults.ts';
import type { HostFault } from './host-faults.ts';
import type { MemberFault } from './member-faults.ts';
import type { NetworkFault } from './network-faults.ts';

/** Something that goes wrong: what, where, when and for how long. Nodes by index, times in virtual ms. One file per family. */
export type Fault = DaemonFault | HostFault | NetworkFault | MemberFault;

export type FaultKind = Fault['kind'];

/** One line, for traces and reports. */
export function describeFault(fault: Fault): string {
  const { kind, atMs, forMs, ...rest } = fault;
  const facts = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  return `${kind} at ${Math.round(atMs)} ms for ${Math.round(forMs)} ms ${facts.join(' ')}`;
}
