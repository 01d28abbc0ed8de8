import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeId } from '../../core/model/index.ts';
import { Cluster } from '../etcd/cluster.ts';
import { EtcdStore } from '../etcd/etcd-store.ts';
import { findEtcd, type Launch } from '../etcd/command.ts';
import { endEarlier } from '../etcd/etcd-process.ts';
import { type MemberFiles, memberFiles } from '../etcd/files.ts';
import { Gateway } from '../etcd/gateway.ts';
import { hostsFile, writeHostsFile } from '../etcd/hosts-file.ts';
import { memberLabel, peerUrl } from '../etcd/names.ts';
import { Supervisor } from '../etcd/supervisor.ts';
import { type MemberRecord, readRecord, writeRecord } from './member-record.ts';
import type { AgreementHostOptions, MemberTuning, StoreChange } from './port.ts';
import { writeDurably } from './write-durably.ts';

/** A key and the certificate for it that etcd shows to other members. */
export interface MemberIdentity {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
}

const MAKING_MS = 20_000;
const POLL_MS = 50;
/** A first start that etcd ends this often (a port that is taken) is given up. */
const GIVE_UP_MS = 2_500;

/** This node's member: its files, its etcd, its store. Made, started and ended by one caller at a time. */
export class OwnMember {
  readonly files: MemberFiles;
  readonly #options: AgreementHostOptions;
  readonly #tuning: MemberTuning;
  readonly #supervisor: Supervisor;
  #gateway: Gateway;
  #record: MemberRecord | undefined;
  #store: EtcdStore | undefined;
  #expected: NodeId | undefined;
  /** How many members this node has been, one after the other. */
  #generation = 0;

  /** @param onRemoved the members took this one out, of this generation */
  constructor(options: AgreementHostOptions, tuning: MemberTuning, onRemoved: (generation: number) => void) {
    this.#options = options;
    this.#tuning = tuning;
    this.files = memberFiles(options.dir, options.runDir);
    this.#gateway = new Gateway(this.files.socket);
    this.#supervisor = new Supervisor({
      files: this.files,
      etcd: () => etcdCommand(options),
      log: (level, message, facts) => options.log(level, message, facts),
      nowMs: () => options.nowMs(),
      onRemoved: () => onRemoved(this.#generation),
    });
  }

  get generation(): number {
    return this.#generation;
  }

  get record(): MemberRecord | undefined {
    return this.#record;
  }

  get store(): EtcdStore | undefined {
    return this.#store;
  }

  get cluster(): Cluster {
    return new Cluster(this.#gateway);
  }

  get isCandidate(): boolean {
    return etcdCommand(this.#options).length > 0;
  }

  /** Why etcd does not run, where it doesn't. */
  get trouble(): string | undefined {
    return this.#supervisor.trouble;
  }

  /**
   * What the last run of the daemon left. @param newestEpoch that is known here: a member of an earlier one is none
   * @throws where its record can't be read
   */
  resume(newestEpoch: number): void {
    if (this.#record !== undefined) return;
    const record = readRecord(this.files.record);
    if (record === undefined) return;
    if (record.epoch < newestEpoch) {
      this.#options.log('warn', 'agreement was rebuilt elsewhere: this node’s member is of the past', { own: record.epoch, newestEpoch });
      this.#removeFiles();
      return;
    }
    if (record.phase === 'voter' && !existsSync(this.files.log)) {
      // Under its old name it would vote again on what it has forgotten: it is taken out, and comes anew.
      this.#options.log('error', 'the data of this node’s agreement member is gone: it is none now', { missing: this.files.log });
      this.#removeFiles();
      return;
    }
    if (record.phase === 'making') {
      // What there is of it goes when a member is made here again, or with the node.
      this.#options.log('warn', 'making a first agreement member was cut short: this node is none', { epoch: record.epoch });
      return;
    }
    this.#record = record;
    this.refresh();
    if (record.phase === 'voter') this.#open(record.epoch, 'started');
  }

  /** A cluster of this member alone. `fill` writes what it begins with. @throws Error in words; then nothing is left */
  async make(
    epoch: number,
    identity: MemberIdentity,
    why: 'founded' | 'recovered',
    fill: (store: EtcdStore) => Promise<void>,
  ): Promise<void> {
    const { nodeId, peerPort } = this.#options;
    const initialCluster = `${memberLabel(nodeId)}=${peerUrl(nodeId, peerPort)}`;
    await this.#begin({ epoch, phase: 'making', peerPort, initialCluster, members: [nodeId] }, identity);
    try {
      await this.#untilLeader();
      const store = this.#newStore(epoch);
      await fill(store);
      store.close();
      this.update({ phase: 'voter' });
      this.#open(epoch, why);
    } catch (error) {
      // Not `removed`: the CA key may lie nowhere else.
      await this.#halt('closed');
      this.#removeFiles();
      throw error;
    }
  }

  /** As a learner of a cluster that has added it. */
  async join(record: Pick<MemberRecord, 'epoch' | 'initialCluster' | 'members'>, identity: MemberIdentity): Promise<void> {
    await this.#begin({ ...record, phase: 'learner', peerPort: this.#options.peerPort }, identity);
  }

  /** The engine says that this member is a voter now: it can serve. */
  becameVoter(): void {
    if (this.#record?.phase !== 'learner') return;
    this.update({ phase: 'voter' });
    this.#open(this.#record.epoch, 'invited');
  }

  update(change: Partial<Pick<MemberRecord, 'phase' | 'members'>>): void {
    if (this.#record === undefined) return;
    const record = { ...this.#record, ...change };
    // Where the disk is full nothing has changed, and the next look does it.
    writeRecord(this.files.record, record);
    this.#record = record;
  }

  /** The engine looks for a newcomer as soon as it is added: its name is there before. */
  expect(node: NodeId): void {
    this.#expected = node;
    this.refresh();
  }

  isUp(): void {
    this.#supervisor.isUp();
  }

  /** Names point where the nodes are now; the member listens where this node is now. */
  refresh(): void {
    const record = this.#record;
    const ip = this.#options.facts.ip();
    if (record === undefined) return;
    this.#writeHosts(record.members);
    if (ip === undefined) return;
    this.#supervisor.run(this.#launch(record, ip));
  }

  /** It is no member any more; nothing of it is left. */
  async end(): Promise<void> {
    await this.#halt('removed');
    this.#removeFiles();
  }

  /** Its etcd ends, its data stay. */
  async close(): Promise<void> {
    await this.#halt('closed');
  }

  /** In place of what this node's member was, if it was one. */
  async #begin(record: MemberRecord, identity: MemberIdentity): Promise<void> {
    await this.#halt('closed');
    await endEarlier(this.files.process);
    this.#removeFiles();
    this.#generation += 1;
    mkdirSync(this.files.dir, { recursive: true, mode: 0o700 });
    writeDurably(this.files.ca, this.#options.trust.caPem);
    writeDurably(this.files.key, identity.privateKeyPem);
    writeDurably(this.files.certificate, identity.certificatePem);
    writeRecord(this.files.record, record);
    this.#record = record;
    this.refresh();
  }

  async #untilLeader(): Promise<void> {
    const startedMs = this.#options.nowMs();
    for (;;) {
      const status = await this.cluster.status().catch(() => undefined);
      if (status?.leader !== undefined) return;
      const waitedMs = this.#options.nowMs() - startedMs;
      if (waitedMs > MAKING_MS || (waitedMs > GIVE_UP_MS && this.trouble !== undefined)) {
        throw new Error(`the agreement engine (etcd) did not start: ${this.trouble ?? `no leader after ${MAKING_MS / 1_000} s`}`);
      }
      await sleep(POLL_MS);
    }
  }

  #writeHosts(members: readonly NodeId[]): void {
    const { facts, nodeId } = this.#options;
    const ips = new Map(facts.nodes().map(({ id, ip }) => [id, ip]));
    const own = facts.ip();
    if (own !== undefined) ips.set(nodeId, own);
    const known = [...new Set([nodeId, ...members, this.#expected])].flatMap((node) => {
      const ip = node === undefined ? undefined : ips.get(node);
      return node === undefined || ip === undefined ? [] : [{ node, ip }];
    });
    try {
      mkdirSync(this.files.runDir, { recursive: true, mode: 0o700 });
      if (writeHostsFile(this.files.hosts, hostsFile(known)))
        this.#options.log('debug', 'names of agreement members point anew', { known });
    } catch (error) {
      // Whoever tells of an address has no part in that; each look tries again.
      this.#options.log('warn', 'the names of agreement members can’t be written down', { why: (error as Error).message });
    }
  }

  #launch(record: MemberRecord, ip: string): Launch {
    return {
      node: this.#options.nodeId,
      ip,
      peerPort: record.peerPort,
      clusterToken: `${this.#options.instanceId}-${record.epoch}`,
      initialCluster: record.initialCluster,
      isFirst: record.phase === 'making',
      heartbeatMs: this.#tuning.heartbeatMs,
      electionMs: this.#tuning.electionMs,
      quotaBytes: this.#tuning.quotaBytes,
    };
  }

  #newStore(epoch: number): EtcdStore {
    return new EtcdStore({ gateway: this.#gateway, client: this.#options.nodeId, epoch, nowMs: () => this.#options.nowMs() });
  }

  #open(epoch: number, why: StoreChange): void {
    this.#store = this.#newStore(epoch);
    this.#options.onStore(this.#store, why);
  }

  async #halt(why: 'removed' | 'closed'): Promise<void> {
    if (this.#record === undefined) return;
    this.#record = undefined;
    this.#store?.close();
    this.#store = undefined;
    this.#options.onStore(undefined, why);
    await this.#supervisor.stop();
    this.#gateway.close();
    this.#gateway = new Gateway(this.files.socket);
  }

  /** The record first: a crash in the midst must not start a member without its data. */
  #removeFiles(): void {
    const { record, data, key, certificate, ca } = this.files;
    for (const path of [record, data, key, certificate, ca]) rmSync(path, { recursive: true, force: true });
  }
}

/** Empty: it is not installed. */
function etcdCommand(options: AgreementHostOptions): readonly string[] {
  const found = options.etcdCommand === undefined ? findEtcd() : undefined;
  return options.etcdCommand ?? (found === undefined ? [] : [found]);
}
