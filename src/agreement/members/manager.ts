import type { NodeId } from '../../core/model/index.ts';
import type { EngineMember, EngineStatus } from '../etcd/cluster.ts';
import { MEMBERS_NAME, memberLabel, memberName, nodeOfPeerUrl, peerUrl } from '../etcd/names.ts';
import { ask } from './ask.ts';
import { Capabilities } from './capabilities.ts';
import { decide, type MemberView, type Step, wantedMembers } from './decide.ts';
import { formatMembers } from './members-key.ts';
import { checkPrepared, checkReport, type Invitation, type Prepared, type Report } from './messages.ts';
import type { OwnMember } from './own-member.ts';
import { type AgreementHostOptions, MEMBERS_KEY, type MemberTuning } from './port.ts';

/** When to look again: a step follows, one waits, or all is well. */
export type NextLook = 'soon' | 'later' | 'rest';

const REPORT_MS = 1_000;
const PREPARE_MS = 3_000;
const JOIN_MS = 10_000;

/**
 * What the engine's leader does for its members: looks who is there, decides one step, takes it. It keeps little, and
 * nothing that a new leader would miss: since when each member was not seen, and which nodes refused.
 */
export class Manager {
  readonly #options: AgreementHostOptions;
  readonly #tuning: MemberTuning;
  readonly #member: OwnMember;
  readonly #epochSeen: (epoch: number) => void;
  readonly #lastSeenMs = new Map<NodeId, number>();
  readonly #refusedUntilMs = new Map<NodeId, number>();
  readonly #capabilities: Capabilities;
  #signed: { readonly requestPem: string; readonly certificatePem: string } | undefined;
  #told: string | undefined;
  #waitsFor: string | undefined;
  isLeaving = false;

  constructor(options: AgreementHostOptions, tuning: MemberTuning, member: OwnMember, epochSeen: (epoch: number) => void) {
    this.#options = options;
    this.#tuning = tuning;
    this.#member = member;
    this.#epochSeen = epochSeen;
    this.#capabilities = new Capabilities(tuning.refusedMs);
  }

  /** At this size of the instance; nodes that may have etcd count, dead or alive. */
  wanted(voters: number): number {
    return wantedMembers(this.#present(), voters);
  }

  /** Not the leader (any more): what it saw as one is old when it is one again. */
  follow(): void {
    this.#lastSeenMs.clear();
    this.#told = undefined;
  }

  /** One step, if one is due. */
  async lead(list: readonly EngineMember[], status: EngineStatus): Promise<NextLook> {
    const [members] = await Promise.all([this.#look(list, status), this.#learnWhoIsFit(list)]);
    const step = decide({
      self: this.#options.nodeId,
      isLeaving: this.isLeaving,
      members,
      candidates: this.#candidates(list),
      present: this.#present(),
      replaceAfterMs: this.#tuning.replaceAfterMs,
    });
    await this.#tellMembers(list);
    if (step.kind === 'none') {
      const isWhole =
        list.length === this.wanted(list.length) && members.every(({ deadForMs, isLearner }) => deadForMs === 0 && !isLearner);
      return isWhole ? 'rest' : 'later';
    }
    try {
      await this.#take(step, list);
      this.#waitsFor = undefined;
      return 'soon';
    } catch (error) {
      // The engine adds and removes nobody before all voters have been connected for 5 s, and promotes none that lags.
      const why = `${step.kind} ${step.node}: ${(error as Error).message}`;
      if (why !== this.#waitsFor) this.#options.log('debug', 'agreement: the next change of members waits', { why });
      this.#waitsFor = why;
      return step.kind === 'promote' ? 'soon' : 'later';
    }
  }

  hasCandidate(list: readonly EngineMember[]): boolean {
    return this.#candidates(list).length > 0 || list.some(({ isLearner }) => isLearner);
  }

  /** One of these voters that is up, to lead after this node. */
  async heir(others: readonly EngineMember[]): Promise<EngineMember | undefined> {
    const reports = await Promise.all(others.map(({ node }) => this.#report(node)));
    return others.find((_, n) => reports[n]?.isUp === true);
  }

  async #look(list: readonly EngineMember[], status: EngineStatus): Promise<readonly MemberView[]> {
    const nowMs = this.#options.nowMs();
    const alive = new Set(this.#options.facts.nodes().flatMap(({ id, isAlive }) => (isAlive ? [id] : [])));
    const view = async ({ id, node, isLearner }: EngineMember): Promise<MemberView> => {
      const hasLeft = this.#options.facts.hasLeft(node);
      if (id === status.id) return { node, isLearner, hasLeft, deadForMs: 0 };
      const report = alive.has(node) ? await this.#report(node) : undefined;
      this.#expectOurTime(report);
      // A node that says that it is no member has lost what it had, or never came to have it.
      if (report !== undefined && report.epoch !== this.#member.record?.epoch) return { node, isLearner, hasLeft, deadForMs: Infinity };
      if (report?.isUp === true || !this.#lastSeenMs.has(node)) this.#lastSeenMs.set(node, nowMs);
      const deadForMs = report?.isUp === true ? 0 : Math.max(1, nowMs - this.#lastSeenMs.get(node)!);
      return { node, isLearner, hasLeft, deadForMs };
    };
    const views = await Promise.all(list.map(view));
    for (const node of this.#lastSeenMs.keys()) if (views.every((each) => each.node !== node)) this.#lastSeenMs.delete(node);
    return views;
  }

  /** Where another is of a newer epoch, it is this one that has to go. @throws Error then */
  #expectOurTime(report: Report | undefined): void {
    const epoch = report?.epoch ?? 0;
    if (epoch <= (this.#member.record?.epoch ?? 0)) return;
    this.#epochSeen(epoch);
    throw new Error(`agreement was rebuilt elsewhere, as epoch ${epoch}`);
  }

  /** undefined: no answer. */
  async #report(node: NodeId): Promise<Report | undefined> {
    return ask(this.#options, node, 'report', {}, REPORT_MS)
      .then(checkReport)
      .catch(() => undefined);
  }

  #present(): number {
    return this.#options.facts.nodes().filter((node) => this.#capabilities.isFit(node) !== false).length;
  }

  #learnWhoIsFit(list: readonly EngineMember[]): Promise<void> {
    const others = this.#options.facts.nodes().filter(({ id }) => list.every(({ node }) => node !== id));
    return this.#capabilities.learn(others, this.#options.nowMs(), async (node) => {
      const report = await this.#report(node);
      this.#expectOurTime(report);
      return report?.isCandidate;
    });
  }

  #candidates(list: readonly EngineMember[]): readonly NodeId[] {
    const nowMs = this.#options.nowMs();
    for (const [node, untilMs] of this.#refusedUntilMs) if (untilMs <= nowMs) this.#refusedUntilMs.delete(node);
    return this.#options.facts
      .nodes()
      .filter((node) => node.isAlive && this.#capabilities.isFit(node) === true && !this.#refusedUntilMs.has(node.id))
      .map(({ id }) => id)
      .filter((node) => !this.#options.facts.hasLeft(node) && list.every((member) => member.node !== node));
  }

  async #take(step: Exclude<Step, { kind: 'none' }>, list: readonly EngineMember[]): Promise<void> {
    if (step.kind === 'invite') return this.#invite(step.node);
    const { id, isLearner } = list.find(({ node }) => node === step.node)!;
    if (step.kind === 'promote') {
      await this.#member.cluster.promote(id);
      this.#options.log('info', 'agreement: a node is a member now', { node: step.node });
      return undefined;
    }
    await this.#member.cluster.remove(id);
    this.#options.log('info', 'agreement: a node is no member any more', { node: step.node, why: step.why });
    if (isLearner) this.#refuse(step.node, new Error('it did not come up as a member'));
    await this.#member.store?.forgetOwner(step.node);
    return undefined;
  }

  async #invite(node: NodeId): Promise<void> {
    const prepared = await this.#prepare(node);
    const certificatePem = await this.#sign(node, prepared.requestPem);
    this.#member.expect(node);
    const added = await this.#member.cluster.addLearner(peerUrl(node, prepared.peerPort));
    const invitation: Invitation = {
      epoch: this.#member.record!.epoch,
      certificatePem,
      secrets: this.#options.trust.secretsForMember(),
      initialCluster: added.map(({ node: each, url }) => `${memberLabel(each)}=${url}`).join(','),
      members: added.map((member) => member.node),
    };
    try {
      await ask(this.#options, node, 'join', invitation, JOIN_MS);
      this.#lastSeenMs.set(node, this.#options.nowMs());
      this.#options.log('info', 'agreement: a node learns to be a member', { node });
    } catch (error) {
      this.#refuse(node, error);
      const newcomer = added.find(({ url }) => nodeOfPeerUrl(url) === node);
      if (newcomer !== undefined) await this.#member.cluster.remove(newcomer.id);
    }
  }

  async #prepare(node: NodeId): Promise<Prepared> {
    try {
      return checkPrepared(await ask(this.#options, node, 'prepare', {}, PREPARE_MS));
    } catch (error) {
      this.#refuse(node, error);
      throw error;
    }
  }

  #refuse(node: NodeId, error: unknown): void {
    this.#refusedUntilMs.set(node, this.#options.nowMs() + this.#tuning.refusedMs);
    this.#options.log('info', 'agreement: a node could not become a member', { node, why: (error as Error).message });
  }

  /** An invitation may have to be tried many times; one certificate serves all. */
  async #sign(node: NodeId, requestPem: string): Promise<string> {
    if (this.#signed?.requestPem !== requestPem) {
      this.#signed = { requestPem, certificatePem: await this.#options.trust.signLeaf(requestPem, [memberName(node), MEMBERS_NAME]) };
    }
    return this.#signed.certificatePem;
  }

  async #tellMembers(list: readonly EngineMember[]): Promise<void> {
    const value = formatMembers(list.filter(({ isLearner }) => !isLearner).map(({ node }) => node));
    const { store } = this.#member;
    if (value === this.#told || store === undefined) return;
    try {
      if ((await store.get(MEMBERS_KEY)).value?.value !== value) await store.transact({ when: [], then: [{ put: MEMBERS_KEY, value }] });
      this.#told = value;
    } catch {
      // Without a majority there is nobody to tell; the next look tries again.
    }
  }
}
