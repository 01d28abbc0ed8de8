import type { NodeId } from '../../core/model/index.ts';
import { ask } from './ask.ts';
import { checkReport, type Report } from './messages.ts';
import type { AgreementHostOptions, MemberReport, MembersStatus } from './port.ts';

export interface StatusSources {
  readonly options: AgreementHostOptions;
  readonly members: readonly NodeId[];
  /** Of this node. */
  readonly own: () => Promise<Report>;
  readonly isCandidate: boolean;
  /** How many there should be, as this node sees it: what the leader says is better. */
  readonly wanted: (voters: number) => number;
  /** Why this node's engine does not run. */
  readonly trouble: string | undefined;
}

const REPORT_MS = 1_500;

export async function membersStatus(sources: StatusSources): Promise<MembersStatus> {
  const { options, members, isCandidate } = sources;
  const report = async (node: NodeId): Promise<{ readonly node: NodeId; readonly report: Report | undefined }> => {
    const asked = node === options.nodeId ? sources.own() : ask(options, node, 'report', { probe: true }, REPORT_MS).then(checkReport);
    return { node, report: await asked.catch(() => undefined) };
  };
  const reports = await Promise.all(members.map(report));
  const voters = reports.filter((each) => each.report?.isLearner !== true).length;
  const status = {
    hasQuorum: reports.some((each) => each.report?.hasQuorum === true),
    wanted: reports.find((each) => each.report?.isLeader === true)?.report?.wanted ?? sources.wanted(voters),
    isCandidate,
    members: reports.map(({ node, report: told }) => memberReport(node, told)),
  };
  return { ...status, troubles: [...troublesOf(sources, status)] };
}

function memberReport(node: NodeId, report: Report | undefined): MemberReport {
  if (report === undefined) {
    return { node, role: 'unknown', hasAnswered: false, isReachable: false, epoch: 0, term: 0, index: 0, bytes: 0 };
  }
  const { epoch, isUp, term, index, bytes } = report;
  const role = report.isLearner ? 'learner' : report.isLeader ? 'leader' : isUp ? 'follower' : 'unknown';
  return { node, role, hasAnswered: true, isReachable: isUp, epoch, term, index, bytes };
}

function* troublesOf({ options, trouble, isCandidate }: StatusSources, status: Omit<MembersStatus, 'troubles'>): Generator<string> {
  const { members, wanted } = status;
  for (const { node, isReachable } of members) {
    if (!isReachable) yield `the agreement member on ${options.facts.nameOf(node)} does not answer`;
  }
  if (!status.hasQuorum) {
    yield members.length === 0
      ? 'no agreement member is known here: nothing can be agreed until one is'
      : 'no majority of the agreement members answers: containers run on, but networks, leases and names can’t change; start the missing nodes, or, where they are gone for good, use "caravela agreement recover"';
  }
  const voters = members.filter(({ role }) => role !== 'learner').length;
  if (voters < wanted && members.every(({ isReachable }) => isReachable)) {
    yield `${voters} of ${wanted} members so far: nodes are added one after the other, where etcd is installed (Debian, Ubuntu: apt install etcd-server)`;
  }
  if (trouble !== undefined) yield `etcd on this node ended: ${trouble}`;
  if (!isCandidate) yield 'etcd is not installed on this node, so it can’t become a member (Debian, Ubuntu: apt install etcd-server)';
}
