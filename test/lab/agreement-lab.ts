import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createAgreementHost } from '../../src/agreement/members/agreement-host.ts';
import { parseMembers } from '../../src/agreement/members/members-key.ts';
import {
  type AgreementHost,
  type AgreementHostOptions,
  MEMBERS_KEY,
  type MemberTuning,
  type StoreChange,
} from '../../src/agreement/members/port.ts';
import type { ReplicatedStore } from '../../src/agreement/port.ts';
import { type InstanceId, instanceId, type NodeId, nodeId } from '../../src/core/model/index.ts';
import { createAuthority, createRequest, signNames } from '../../src/transport/trust/authority.ts';
import { createIdentity } from '../../src/transport/trust/identity.ts';
import type { Authority } from '../../src/transport/trust/sign-task.ts';
import { until } from './shell.ts';

export interface AgreementLabOptions {
  readonly dir: string;
  readonly nodes: number;
  readonly tuning?: Partial<MemberTuning>;
  /** Where node n (from 0) is; by default loopback addresses that nobody else uses. */
  readonly ipOf?: (n: number) => string;
  /** What runs its etcd: `nsenter …`. */
  readonly etcdCommandOf?: (n: number) => readonly string[];
  /** Nodes (from 0) that have no etcd. */
  readonly without?: readonly number[];
}

/** Quick, for tests on a busy machine; the proportions are those of use. */
export const QUICK: MemberTuning = {
  quotaBytes: 256 * 1024 * 1024,
  heartbeatMs: 100,
  electionMs: 1_000,
  tickMs: 300,
  restMs: 10_000,
  replaceAfterMs: 2_000,
  refusedMs: 2_000,
};

/** The agreement of several nodes in one process, each with a real etcd; gossip and transport are a table and a call. */
export class AgreementLab {
  readonly options: AgreementLabOptions;
  readonly instanceId: InstanceId;
  readonly authority: Authority;
  readonly nodes: readonly AgreementNode[];

  private constructor(options: AgreementLabOptions, id: InstanceId, authority: Authority) {
    this.options = options;
    this.instanceId = id;
    this.authority = authority;
    const net = randomBytes(2);
    const ipOf = options.ipOf ?? ((n: number) => `127.${(net[0]! % 200) + 20}.${net[1]!}.${n + 1}`);
    this.nodes = Array.from({ length: options.nodes }, (_, n) => new AgreementNode(this, n, ipOf(n)));
  }

  static async create(options: AgreementLabOptions): Promise<AgreementLab> {
    const id = instanceId(randomBytes(16).toString('hex'));
    mkdirSync(options.dir, { recursive: true });
    return new AgreementLab(options, id, await createAuthority(id));
  }

  node(n: number): AgreementNode {
    return this.nodes[n]!;
  }

  /** Founds on the first node, starts all, and waits until there are this many members that serve. */
  async up(members: number): Promise<void> {
    await this.node(0).host.found();
    for (const node of this.nodes) node.host.start();
    await this.untilMembers(members);
  }

  /** Until exactly this many serve, and agree on who they are. */
  async untilMembers(count: number, withinMs = 40_000): Promise<readonly AgreementNode[]> {
    let serving: readonly AgreementNode[] = [];
    await until(
      `${count} agreement members`,
      async () => {
        serving = this.nodes.filter((node) => node.isOn && node.host.store !== undefined);
        if (serving.length !== count) return false;
        const told = await serving[0]!.host.store!.get(MEMBERS_KEY).catch(() => undefined);
        return (
          parseMembers(told?.value?.value).join() ===
          serving
            .map(({ id }) => id)
            .toSorted()
            .join()
        );
      },
      withinMs,
    );
    return serving;
  }

  async leader(): Promise<AgreementNode> {
    let leader: AgreementNode | undefined;
    await until('a leader', async () => {
      const asked = this.nodes.find((node) => node.isOn && node.host.isMember);
      const status = await asked?.host.status();
      const id = status?.members.find(({ role }) => role === 'leader')?.node;
      leader = this.nodes.find((node) => node.id === id);
      return leader !== undefined;
    });
    return leader!;
  }

  async down(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.off()));
    rmSync(this.options.dir, { recursive: true, force: true });
  }
}

export class AgreementNode {
  readonly id: NodeId;
  readonly n: number;
  ip: string;
  isOn = true;
  /** Of the instance for good: a table's row that is gone. */
  hasLeft = false;
  /** Its daemon's requests, both ways, go nowhere. */
  isCutOff = false;
  readonly secrets: string[] = [];
  readonly changes: StoreChange[] = [];
  host: AgreementHost;
  readonly #lab: AgreementLab;

  constructor(lab: AgreementLab, n: number, ip: string) {
    this.#lab = lab;
    this.n = n;
    this.ip = ip;
    this.id = nodeId(`${n}${randomBytes(16).toString('hex')}`.slice(0, 32));
    this.host = createAgreementHost(this.#options());
  }

  get store(): ReplicatedStore {
    if (this.host.store === undefined) throw new Error(`node ${this.n} is no member just now`);
    return this.host.store;
  }

  get dir(): string {
    return join(this.#lab.options.dir, `n${this.n}`);
  }

  /** The process of its etcd; undefined: none runs. */
  etcdPid(): number | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.dir, 'etcd.process'), 'utf8')) as { pid: number }).pid;
    } catch {
      return undefined;
    }
  }

  killEtcd(): void {
    const pid = this.etcdPid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }

  async off(): Promise<void> {
    this.isOn = false;
    await this.host.close();
  }

  /** @param knowing what its daemon knows before it starts its part */
  on(knowing: (host: AgreementHost) => void = () => {}): void {
    this.host = createAgreementHost(this.#options());
    this.isOn = true;
    knowing(this.host);
    this.host.start();
  }

  #options(): AgreementHostOptions {
    const lab = this.#lab;
    const isReached = (from: AgreementNode) => from.isOn && !from.isCutOff && !this.isCutOff && this.isOn;
    return {
      nodeId: this.id,
      instanceId: lab.instanceId,
      dir: this.dir,
      runDir: join(lab.options.dir, `r${this.n}`),
      peerPort: 2380,
      ...(lab.options.etcdCommandOf !== undefined && { etcdCommand: lab.options.etcdCommandOf(this.n) }),
      ...(lab.options.without?.includes(this.n) === true && { etcdCommand: [] }),
      trust: {
        caPem: lab.authority.certificatePem,
        createRequest: async () => {
          const { privateKeyPem } = createIdentity();
          return { privateKeyPem, requestPem: await createRequest(privateKeyPem) };
        },
        signLeaf: (requestPem, dnsNames) => signNames(lab.authority, requestPem, dnsNames, []),
        secretsForMember: () => lab.authority.privateKeyPem,
        onSecrets: (secrets) => {
          if (secrets !== lab.authority.privateKeyPem) throw new Error('these are not the keys of this instance');
          this.secrets.push(secrets);
        },
      },
      facts: {
        ip: () => this.ip,
        nodes: () =>
          lab.nodes
            .filter(({ hasLeft }) => !hasLeft)
            .map((node) => ({
              id: node.id,
              ip: node.ip,
              isAlive: node === this || isReached(node),
              isCandidate: undefined,
            })),
        nameOf: (id) => `node-${lab.nodes.find((node) => node.id === id)?.n}`,
        hasLeft: (id) => lab.nodes.some((node) => node.id === id && node.hasLeft),
        knownMembers: () => [],
      },
      request: async (to, request) => {
        const peer = lab.nodes.find((node) => node.id === to);
        if (peer === undefined || !isReached(peer)) throw new Error(`node ${to} cannot be reached`);
        const { status, body } = await peer.host.servePeer(this.id, request.path, request.body);
        return { status, body: Readable.from([body]) };
      },
      onStore: (_, why) => this.changes.push(why),
      log: (level, message, facts) => {
        const file = process.env['AGREEMENT_LOG'];
        if (file !== undefined)
          appendFileSync(file, `${Math.round(performance.now())} ${this.n} ${level} ${message} ${JSON.stringify(facts)}\n`);
      },
      nowMs: () => performance.now(),
      ...(lab.options.tuning !== undefined && { tuning: lab.options.tuning }),
    };
  }
}
