import type { LabHost } from './lab-host.ts';
import { until } from './shell.ts';

/** What `agreement status` says. */
export interface AgreementStatus {
  readonly hasQuorum: boolean;
  readonly wanted: number;
  readonly isCandidate: boolean;
  readonly troubles: readonly string[];
  readonly version: { readonly epoch: number; readonly revision: number };
  readonly members: readonly { readonly name: string; readonly role: string; readonly isReachable: boolean }[];
}

export const status = async (at: LabHost): Promise<AgreementStatus> =>
  JSON.parse(await at.ok(['agreement', 'status', '--format', 'json'])) as AgreementStatus;

/** So many members that all take part. */
export const settled = (at: LabHost, count = 3) =>
  until(
    `${count} agreement members`,
    async () => {
      const { members, hasQuorum } = await status(at);
      return (
        hasQuorum && members.length === count && members.every(({ role, isReachable }) => isReachable && role !== 'learner') && members
      );
    },
    60_000,
  );
