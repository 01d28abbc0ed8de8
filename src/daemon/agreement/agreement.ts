import { setTimeout as sleep } from 'node:timers/promises';
import { createAgreementHost } from '../../agreement/members/agreement-host.ts';
import { AgreedStateOver } from '../../agreement/state/agreed-state.ts';
import { AgreedTokens } from '../../agreement/state/agreed-tokens.ts';
import { Copy } from '../../agreement/state/copy.ts';
import type { AgreedChange } from '../../agreement/state/port.ts';
import { followStore } from '../../agreement/sync/follow-store.ts';
import { ForwardedStore } from '../../agreement/sync/forwarded-store.ts';
import { StoreRouter } from '../../agreement/sync/store-router.ts';
import { Sync } from '../../agreement/sync/sync.ts';
import type { ReplicatedStore } from '../../agreement/port.ts';
import type { StoreChange } from '../../agreement/members/port.ts';
import type { Event, NodeId } from '../../core/model/index.ts';
import { shortId } from '../../core/model/index.ts';
import { TokenBook } from '../../transport/trust/token-book.ts';
import { DEFAULT_LEASES_END_AFTER_DAYS } from '../init-options.ts';
import { CaKey } from './ca-key.ts';
import { Caretaker } from './caretaker.ts';
import { agreeOnFirstFacts, isFounding } from './founding.ts';
import { GossipRing } from './gossip-ring.ts';
import { hostOptions } from './host-options.ts';
import { createJoinHost } from './join-host.ts';
import { KeyKeepers } from './key-keepers.ts';
import { KeyRotation } from './key-rotation.ts';
import { Leaving } from './leaving.ts';
import { LostNodes } from './lost-nodes.ts';
import { Neighbours } from './neighbours.ts';
import { askPeer, PeerServer } from './peer-requests.ts';
import type { Agreement, AgreementOptions } from './port.ts';
import { withoutMajority } from './quorum-words.ts';
import { AgreementAdmin } from './service.ts';
import { Timers } from './timers.ts';
import { createTokens } from './tokens.ts';

const DAY_MS = 86_400_000;
/** Whoever sends what can't be opened makes this node ask its alleged sender no more often. */
const UNOPENED_MS = 1_000;

/** Puts together what agreement is made of on this node: the engine, the way to it, the copy that follows it, and who uses them. */
export function createAgreement(options: AgreementOptions): Agreement {
  const { paths, store: disk, settings, instance, credentials, gossipKeys, signer, log } = options;
  const self = settings.nodeId;
  const timers = new Timers();
  const caKey = new CaKey(paths.caKey, credentials.caPem);
  const copy = new Copy({ store: disk, report: (message, facts) => log('warn', message, facts) });
  const ring = new GossipRing({ copy, disk, kept: gossipKeys, onKeys: (keys) => options.onGossipKeys(keys), log });
  const isRevoked = (id: NodeId): boolean => copy.views.nodes.get(id)?.state === 'removed';
  const neighbours = new Neighbours(self, copy, () => options.members());
  let following: AbortController | undefined;
  let saidRemoved = false;
  let isStarted = false;
  let unopenedMs = Number.NEGATIVE_INFINITY;

  const host = (options.createHost ?? createAgreementHost)(hostOptions(options, { copy, caKey, neighbours, onStore }));
  const members = (): readonly NodeId[] => host.memberNodes();
  const ask = (peer: NodeId, path: string, body: Buffer, timeoutMs: number) =>
    askPeer((to, request) => options.request(to, request), peer, path, body, timeoutMs);
  const forwarded = new ForwardedStore({
    self,
    members: () => neighbours.toAsk(members()),
    version: () => copy.version,
    onUpdate: (update) => void copy.apply(update),
    ask,
    nowMs: () => performance.now(),
  });
  const router = new StoreRouter({
    local: () => host.store,
    forwarded,
    explain: () => withoutMajority(members(), options.members(), (id) => neighbours.nameOf(id)),
    nowMs: () => performance.now(),
  });
  const sync = new Sync(
    {
      self,
      copy,
      peers: () => neighbours.alive(),
      members,
      ask,
      after: (ms, run) => timers.after(ms, run),
      random: Math.random,
      log,
    },
    router,
  );
  const state = new AgreedStateOver(router, copy, sync);
  const book = new TokenBook(new AgreedTokens(router));
  const keys = new KeyKeepers({
    self,
    copy,
    caKey,
    store: router,
    neighbours,
    isMember: () => host.isMember,
    isCandidate: () => host.isCandidate,
    ask,
    log,
  });
  const lost = new LostNodes({
    self,
    copy,
    store: router,
    disk,
    state,
    limitMs: (instance.leasesEndAfterDays ?? DEFAULT_LEASES_END_AFTER_DAYS) * DAY_MS,
    members: () => options.members(),
    nameOf: (id) => neighbours.nameOf(id),
    nowMs: () => performance.now(),
    log,
  });
  const rotation = new KeyRotation({ self, copy, store: router, sync, ring, nowMs: () => performance.now(), log });
  const isServing = () => host.store !== undefined;
  const caretaker = new Caretaker({
    copy,
    keys,
    lost,
    rotation,
    sync,
    state,
    timers,
    neighbours,
    log,
    isServing,
    isMember: () => host.isMember,
  });
  const leaving = new Leaving({ self, host, store: router, state, neighbours, log, nowMs: () => performance.now(), sleep });
  const peers = new PeerServer({
    host,
    sync,
    keys,
    store: { store: () => host.store, copy, waitUntil: (version, ms) => sync.waitUntil(version, ms) },
    log,
  });
  const service = new AgreementAdmin({
    self,
    instanceId: instance.instanceId,
    host,
    store: router,
    copy,
    ring,
    nodes: state,
    caKey,
    members: () => options.members(),
    nameOf: (id) => neighbours.nameOf(id),
    fetchNewest: () => sync.fetchFromAll(),
    wallMs: Date.now,
    log,
  });
  copy.onChange(onChange);

  /** This node's own member came, or went. */
  function onStore(store: ReplicatedStore | undefined, why: StoreChange): void {
    following?.abort();
    following = undefined;
    log('info', store === undefined ? 'this node takes no part in agreement now' : 'this node takes part in agreement', { why });
    if (store !== undefined) {
      following = new AbortController();
      followStore(store, { copy, after: (ms, run) => timers.after(ms, run), log }, following.signal);
    }
    if (isStarted && why !== 'closed') caretaker.soon();
  }

  function onChange(change: AgreedChange): void {
    if (!isStarted) return;
    options.onVersion(copy.version);
    host.epochSeen(copy.version.epoch);
    if (rotation.isUnderWay) caretaker.soon();
    if (!change.nodes && !change.all) return;
    for (const node of copy.views.nodes.values()) if (node.state === 'removed' && node.id !== self) options.disconnect(node.id);
    if (isRevoked(self)) endAsRemoved();
    host.refresh();
  }

  function endAsRemoved(): void {
    caKey.drop();
    sayRemoved();
  }

  function sayRemoved(): void {
    if (saidRemoved) return;
    saidRemoved = true;
    options.onRemoved();
  }

  function see(event: Event): void {
    switch (event.kind) {
      case 'agreed-newer':
        // A member of the past ends by the copy that is fetched now, over mutual TLS, and not by a datagram's word.
        sync.newer(event.nodeId, event.version);
        return;
      case 'member-alive':
        sync.alive(event.member.id);
        lost.sawAlive(event.member.id);
        host.refresh();
        caretaker.soon();
        return;
      case 'member-dead':
      case 'member-left':
        host.refresh();
        return;
      default:
    }
  }

  return {
    state,
    tokens: createTokens(book, credentials.caPem),
    service,
    joinHost: createJoinHost({
      self,
      instance,
      caPem: credentials.caPem,
      caKey,
      ring,
      book,
      nodes: state,
      copy,
      signer,
      members: () => options.members(),
      isFounding: () => isFounding(disk),
      isRevoked,
    }),
    servePeer: (peer, request, response) => void peers.serve(peer, request, response),
    isRevoked,
    gossipKeys: () => ring.keys,
    unopened(claimed) {
      const nowMs = performance.now();
      if (nowMs - unopenedMs < UNOPENED_MS) return;
      unopenedMs = nowMs;
      // One of the two has missed a rotation. Who is asked hears what is here, and asks in turn where that is newer.
      if (neighbours.all().some(({ id }) => id === claimed && id !== self)) void sync.fetchFrom(claimed);
    },
    refused(why) {
      if (why.includes('removed')) sayRemoved();
    },
    see,
    async start() {
      isStarted = true;
      if (isFounding(disk)) {
        log('info', 'the instance is made: its first facts are agreed on', { node: shortId(self) });
        await host.found();
        await agreeOnFirstFacts(disk, state, settings);
      }
      // What the copy knew before this daemon ended may be newer than the member that it left.
      host.epochSeen(copy.version.epoch);
      host.start();
      options.onVersion(copy.version);
      if (isRevoked(self)) endAsRemoved();
      caretaker.start();
    },
    async close() {
      isStarted = false;
      timers.close();
      sync.close();
      await host.close();
      following?.abort();
    },
    handOver: ({ force }) => leaving.handOver(force),
    giveUp: ({ force }) => leaving.giveUp(force),
  };
}
