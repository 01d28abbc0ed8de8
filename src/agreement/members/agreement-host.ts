import { rmSync } from 'node:fs';
import type { AgreedVersion, NodeId } from '../../core/model/index.ts';
import type { EngineMember } from '../etcd/cluster.ts';
import { MEMBERS_NAME, memberName } from '../etcd/names.ts';
import type { ReplicatedStore } from '../port.ts';
import { HandingOver } from './handing-over.ts';
import { fillStore } from './fill-store.ts';
import { Manager, type NextLook } from './manager.ts';
import { formatMembers } from './members-key.ts';
import { checkFields, checkInvitation, type Invitation, NOT_A_MEMBER, type Prepared, type Report } from './messages.ts';
import { OwnMember } from './own-member.ts';
import {
  type AgreementHost,
  type AgreementHostOptions,
  DEFAULT_TUNING,
  type HandedOver,
  MEMBERS_KEY,
  MEMBERS_PATH,
  type MembersStatus,
  type MemberTuning,
  type PeerAnswer,
} from './port.ts';
import { membersStatus } from './status.ts';

/** @throws Error where the run directory's path is too long for a socket */
export function createAgreementHost(options: AgreementHostOptions): AgreementHost {
  return new Host(options);
}

type Entries = Iterable<{ readonly key: string; readonly value: string }>;

const SOON_MS = 250;
const PROBE_MS = 1_000;
const NO_ETCD =
  'etcd is not installed on this host, and agreement needs it (Debian, Ubuntu: apt install etcd-server): install it and try again';

class Host implements AgreementHost {
  readonly #options: AgreementHostOptions;
  readonly #tuning: MemberTuning;
  readonly #member: OwnMember;
  readonly #manager: Manager;
  readonly #handingOver: HandingOver;
  /** What changes this node's part is done one after the other. */
  #work: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** What was known of the nodes at the last look that found nothing to do, and when. */
  #rest: { readonly facts: string; readonly atMs: number } | undefined;
  #isStarted = false;
  #isClosed = false;
  /** The CA key came with an invitation: it is not to be forgotten before the member is made. */
  #isJoining = false;
  #prepared: KeyAndRequest | undefined;
  /** Of agreement, that this node has heard of. */
  #newestEpoch = 0;

  constructor(options: AgreementHostOptions) {
    this.#options = options;
    this.#tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.#member = new OwnMember(options, this.#tuning, (generation) => {
      void this.#exclusive(() => this.#wasRemoved(generation));
    });
    this.#manager = new Manager(options, this.#tuning, this.#member, (epoch) => this.epochSeen(epoch));
    this.#handingOver = new HandingOver({
      options,
      awayMs: this.#tuning.refusedMs,
      member: this.#member,
      manager: this.#manager,
      isMember: () => this.isMember,
      exclusive: (work) => this.#exclusive(work),
      look: () => this.#look(),
    });
  }

  get store(): ReplicatedStore | undefined {
    return this.#member.store;
  }

  get isMember(): boolean {
    return this.#member.record !== undefined || this.#isJoining;
  }

  get isLearner(): boolean {
    return this.isMember && this.#member.record?.phase !== 'voter';
  }

  get isCandidate(): boolean {
    return this.#member.isCandidate;
  }

  found(): Promise<void> {
    return this.#exclusive(async () => {
      await this.#make(1, [], 'founded');
    });
  }

  start(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    try {
      this.#member.resume(this.#newestEpoch);
    } catch (error) {
      this.#options.log('error', 'this node’s agreement member can’t be started', { why: (error as Error).message });
    }
    this.#lookAfter(SOON_MS);
  }

  refresh(): void {
    this.#member.refresh();
  }

  epochSeen(epoch: number): void {
    this.#newestEpoch = Math.max(this.#newestEpoch, epoch);
    const own = this.#member.record?.epoch;
    if (own === undefined || epoch <= own) return;
    void this.#exclusive(async () => {
      const { record } = this.#member;
      if (record === undefined || record.epoch >= epoch) return;
      this.#options.log('warn', 'agreement was rebuilt elsewhere: this node’s member is of the past and ends', {
        own: record.epoch,
        epoch,
      });
      await this.#member.end();
    });
  }

  memberNodes(): readonly NodeId[] {
    return this.#member.record?.members ?? this.#options.facts.knownMembers();
  }

  status(): Promise<MembersStatus> {
    return membersStatus({
      options: this.#options,
      members: this.memberNodes(),
      own: () => this.#report(true),
      isCandidate: this.#member.isCandidate,
      wanted: (voters) => this.#manager.wanted(voters),
      trouble: this.#member.trouble,
    });
  }

  async servePeer(from: NodeId, path: string, body: Buffer): Promise<PeerAnswer> {
    try {
      if (!this.#isStarted || this.#isClosed) throw new Error('the node is starting or stopping: try again in a moment');
      const question = checkFields(JSON.parse(body.toString()));
      switch (path.slice(MEMBERS_PATH.length)) {
        case 'prepare':
          return answer(200, await this.#prepare());
        case 'join':
          return answer(200, await this.#join(from, checkInvitation(question)));
        case 'report':
          return answer(200, await this.#report(question['probe'] === true));
        default:
          return answer(404, `nothing is known of ${path.slice(0, 80)}`);
      }
    } catch (error) {
      return answer(409, (error as Error).message);
    }
  }

  handOver(): Promise<HandedOver> {
    return this.#handingOver.run();
  }

  recoverFrom(entries: Entries, epoch: number): Promise<AgreedVersion> {
    return this.#exclusive(async () => {
      if (this.#isClosed) throw new Error('the node is stopping');
      const newest = this.#newest();
      // Nobody would follow what counts lower than what they have.
      if (epoch <= newest) throw new Error(`agreement was rebuilt just now, as epoch ${newest}: look at "caravela agreement status"`);
      return this.#make(epoch, entries, 'recovered');
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#exclusive(() => this.#member.close());
  }

  wipe(): void {
    rmSync(this.#options.dir, { recursive: true, force: true });
    rmSync(this.#options.runDir, { recursive: true, force: true });
  }

  #newest(): number {
    return Math.max(this.#newestEpoch, this.#member.record?.epoch ?? 0);
  }

  async #make(epoch: number, entries: Entries, why: 'founded' | 'recovered'): Promise<AgreedVersion> {
    if (!this.#member.isCandidate) throw new Error(NO_ETCD);
    if (this.#options.facts.ip() === undefined) throw new Error('this host has no address yet: agreement members need one to listen on');
    const { privateKeyPem, requestPem } = await this.#options.trust.createRequest();
    const certificatePem = await this.#options.trust.signLeaf(requestPem, [memberName(this.#options.nodeId), MEMBERS_NAME]);
    let version: AgreedVersion | undefined;
    await this.#member.make(epoch, { privateKeyPem, certificatePem }, why, async (store) => {
      const own = { key: MEMBERS_KEY, value: formatMembers([this.#options.nodeId]) };
      version = await fillStore(store, [...entries].filter(({ key }) => key !== MEMBERS_KEY).concat(own));
    });
    this.#isStarted = true;
    this.#lookAfter(this.#tuning.tickMs);
    return version!;
  }

  async #prepare(): Promise<Prepared> {
    this.#expectStaying();
    if (!this.#member.isCandidate) throw new Error(NO_ETCD);
    if (this.#options.facts.ip() === undefined) throw new Error('the host has no address yet');
    this.#prepared ??= await this.#options.trust.createRequest();
    return { requestPem: this.#prepared.requestPem, peerPort: this.#options.peerPort };
  }

  #join(from: NodeId, invitation: Invitation): Promise<object> {
    return this.#exclusive(async () => {
      this.#expectStaying();
      const prepared = this.#prepared;
      if (prepared === undefined) throw new Error('nobody asked this node to prepare: its daemon was started anew');
      const newest = this.#newest();
      if (invitation.epoch < newest) {
        throw new Error(`agreement was rebuilt, as epoch ${newest}: who invites by epoch ${invitation.epoch} is of the past`);
      }
      // Only members have the CA key: whoever sends it speaks for them, and may end what was a member here.
      this.#isJoining = true;
      try {
        this.#options.trust.onSecrets(invitation.secrets);
        await this.#member.join(invitation, { privateKeyPem: prepared.privateKeyPem, certificatePem: invitation.certificatePem });
      } finally {
        this.#isJoining = false;
      }
      this.#prepared = undefined;
      this.#options.log('info', 'this node learns to be an agreement member', { invitedBy: from, epoch: invitation.epoch });
      this.#lookAfter(SOON_MS);
      return {};
    });
  }

  /** A member that goes a moment after it came would be missed: of two, one is no majority. */
  #expectStaying(): void {
    const { facts, nodeId } = this.#options;
    if (this.#handingOver.isStayingAway || facts.hasLeft(nodeId)) throw new Error('the node is leaving');
  }

  async #report(probe: boolean): Promise<Report> {
    const { record, cluster, isCandidate } = this.#member;
    const down = { ...NOT_A_MEMBER, isCandidate, epoch: record?.epoch ?? 0 };
    if (record === undefined) return down;
    try {
      const { id, leader, isLearner, term, index, bytes } = await cluster.status();
      const isLeader = leader === id;
      const hasQuorum = probe && !isLearner && leader !== undefined && (await cluster.hasQuorum(PROBE_MS));
      const wanted = isLeader ? this.#manager.wanted(record.members.length) : 0;
      return { ...down, isUp: true, isLeader, isLearner, term, index, bytes, hasQuorum, wanted };
    } catch {
      return down;
    }
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#exclusive(() => this.#lookIfDue()).then(
        (soon) => this.#lookAfter(soon ? SOON_MS : this.#tuning.tickMs),
        () => this.#lookAfter(this.#tuning.tickMs),
      );
    }, ms);
  }

  /** True: again soon. */
  async #lookIfDue(): Promise<boolean> {
    const nowMs = this.#options.nowMs();
    const of = this.#options.facts;
    const nodes = of.nodes().map(({ id, ip, isAlive, isCandidate }) => [id, ip, isAlive, isCandidate]);
    const members = of.knownMembers().map((id) => [id, of.hasLeft(id)]);
    const facts = JSON.stringify([of.ip(), nodes, members, this.#member.record]);
    if (this.#rest?.facts === facts && nowMs - this.#rest.atMs < this.#tuning.restMs) return false;
    this.#rest = undefined;
    const next = await this.#look();
    if (next === 'rest') this.#rest = { facts, atMs: nowMs };
    return next === 'soon';
  }

  async #look(): Promise<NextLook> {
    const { record, cluster } = this.#member;
    if (record === undefined) return 'later';
    this.#member.refresh();
    const status = await cluster.status().catch(() => undefined);
    if (status === undefined) return 'later';
    this.#member.isUp();
    if (status.isLearner) return 'soon';
    const list = await cluster.list();
    const members = list.map(({ node }) => node).toSorted();
    if (members.length > 0 && members.join() !== record.members.toSorted().join()) {
      this.#member.update({ members });
      this.#member.refresh();
    }
    this.#member.becameVoter();
    if (status.isFull) {
      this.#options.log('warn', 'the agreement engine’s database is full: room is made', { bytes: status.bytes });
      await cluster.makeRoom(status.leader === status.id);
    }
    // Near to full it may be full before the next look.
    const rest = status.bytes < this.#tuning.quotaBytes / 2 ? 'rest' : 'later';
    if (status.leader === status.id) {
      const next = await this.#manager.lead(list, status);
      return next === 'rest' ? rest : next;
    }
    this.#manager.follow();
    await this.#takeOutLeaderThatLeft(list, status.leader);
    return status.leader === undefined ? 'later' : rest;
  }

  /** A leader takes out everybody but itself. Where its node was removed, the others do it, and one of them leads. */
  async #takeOutLeaderThatLeft(list: readonly EngineMember[], leaderId: string | undefined): Promise<void> {
    const leader = list.find(({ id }) => id === leaderId);
    if (leader === undefined || !this.#options.facts.hasLeft(leader.node)) return;
    this.#options.log('info', 'agreement: the node that leads was removed from the instance, and is taken out', { node: leader.node });
    await this.#member.cluster.remove(leader.id);
  }

  async #wasRemoved(generation: number): Promise<void> {
    // It may have been called again meanwhile.
    if (generation !== this.#member.generation) return;
    this.#options.log('info', 'the agreement members took this node’s out: it is a candidate again', {});
    await this.#member.end();
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}

interface KeyAndRequest {
  readonly privateKeyPem: string;
  readonly requestPem: string;
}

function answer(status: number, content: object | string): PeerAnswer {
  return { status, body: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)) };
}
