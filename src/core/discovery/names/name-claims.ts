/**
 * The buyer's half of a name claim: before a container is placed, the name's owner is asked for it. A
 * round trip, once more where no word comes, and then the claim is local: nobody else's reachability
 * decides whether a container can run, and the rule for conflicts covers what follows.
 *
 *     asking ──granted, or no word──▶ held ──placed──▶ placed, for as long as the owner may still count it
 *        │ taken                        │ failed: released
 *        ▼
 *     doubting: the holder's node is asked; if it has no such container, the owner is asked again
 *
 * The doubt costs two hops where a run is about to fail, and keeps a word that was lost (an end, a release)
 * from blocking a name: what an owner has is soft, only the node that has the container knows.
 */
import { LIMITS } from '../../model/index.ts';
import type { ContainerId, NameClaimed, NameEntry, NameHolder, NodeId, RequestId, Timer, Turn } from '../../model/index.ts';
import { assert } from '../../../lib/assert.ts';
import type { Directory } from '../directory.ts';
import { ClaimList } from './claim-list.ts';
import { ringKey } from './keys.ts';
import type { Found } from './lookup.ts';
import type { Questions } from './questions.ts';
import { NAMES } from './tunables.ts';

export interface Wish {
  readonly requestId: RequestId;
  readonly containerId: ContainerId;
  readonly name: string;
}

/** @param holder who has the name; undefined: it is the claimer's */
export type Claimed = (turn: Turn, holder: NameHolder | undefined) => void;

export interface NameClaimsOptions {
  readonly self: NodeId;
  readonly ring: Directory['ring'];
  readonly questions: Questions;
  readonly askMs: number;
  /** This node's container of that name. */
  readonly here: (name: string) => ContainerId | undefined;
}

interface Claim extends Wish {
  readonly done: Claimed;
  stage: 'asking' | 'doubting' | 'held' | 'placed';
  owner: NodeId;
  /** Where the container is: here until it is placed. */
  node: NodeId;
  /** Who the owner said has the name. */
  told: NameHolder | undefined;
  /** The one of these whose node has no such container. */
  doubted: NameHolder | undefined;
  doubts: number;
  repeated: boolean;
  token: number;
}

export class NameClaims {
  readonly #options: NameClaimsOptions;
  readonly #underWay = new ClaimList<Claim>();
  /** Only so that whoever doubts them is told where the container is; they give way to those under way. */
  readonly #placed = new ClaimList<Claim>();
  #token = 0;

  constructor(options: NameClaimsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#underWay.size + this.#placed.size;
  }

  /** How many are not settled yet: at most LIMITS.nameClaims, to which whoever claims has to see. */
  get underWay(): number {
    return this.#underWay.size;
  }

  isUnderWay(id: RequestId): boolean {
    return this.#underWay.get(id) !== undefined;
  }

  /** `done` is called once, unless the claim is released before. */
  claim(turn: Turn, wish: Wish, done: Claimed): void {
    const { self, here } = this.#options;
    assert(this.#underWay.size < LIMITS.nameClaims, 'a run begins only where there is room for its names');
    const [mine] = this.#underWay.named(wish.name);
    const taken = mine?.containerId ?? here(wish.name);
    if (taken !== undefined && taken !== wish.containerId) return done(turn, { containerId: taken, node: self });
    this.#placed.delete(this.#placed.get(wish.requestId));
    if (this.size >= LIMITS.nameClaims) this.#placed.delete(this.#placed.oldest());
    const state = {
      stage: 'asking',
      owner: self,
      node: self,
      told: undefined,
      doubted: undefined,
      doubts: 0,
      repeated: false,
      token: 0,
    } as const;
    const claim: Claim = { ...wish, done, ...state };
    this.#underWay.add(claim);
    this.#ask(turn, claim);
  }

  /** The run came to nothing: others may have the name. */
  release(turn: Turn, id: RequestId): void {
    const claim = this.#get(id);
    if (claim === undefined) return;
    this.#drop(claim);
    const { containerId, name } = claim;
    turn.send(claim.owner, { kind: 'name-release', containerId, name });
  }

  /** The container is on that node. It is remembered while the owner may not have heard so from there. */
  placed(turn: Turn, id: RequestId, node: NodeId): void {
    const claim = this.#get(id);
    if (claim !== undefined) claim.node = node;
    this.lapse(turn, id);
  }

  /** Its container is here and says itself what it is called, by this name or another: nobody need be told. */
  outlived(id: RequestId): void {
    const claim = this.#get(id);
    if (claim !== undefined) this.#drop(claim);
  }

  /** Nobody knows whether the container exists: the claim stands until it runs out. */
  lapse(turn: Turn, id: RequestId): void {
    const claim = this.#get(id);
    if (claim === undefined) return;
    this.#underWay.delete(claim);
    this.#placed.add(claim);
    claim.stage = 'placed';
    claim.token = this.#setTimer(turn, claim, NAMES.claimMs);
  }

  claimed(turn: Turn, from: NodeId, { requestId, holder }: NameClaimed): void {
    const claim = this.#get(requestId);
    if (claim?.stage !== 'asking' || claim.owner !== from) return;
    if (holder === undefined) this.#held(turn, claim);
    // Otherwise a late answer to the question before the doubt.
    else if (!isSame(holder, claim.doubted)) {
      claim.told = holder;
      this.#doubt(turn, claim, holder);
    }
  }

  memberGone(turn: Turn, id: NodeId): void {
    for (const claim of this.#underWay.all()) {
      if (claim.owner !== id) continue;
      if (claim.stage === 'asking') this.#ask(turn, claim);
      else if (claim.stage === 'held') this.#renew(turn, claim);
    }
  }

  timer(turn: Turn, { key, token }: Timer): void {
    const claim = this.#get(key as RequestId);
    if (claim?.token !== token) return;
    if (claim.stage === 'placed') this.#drop(claim);
    else if (claim.stage === 'held') this.#renew(turn, claim);
    else if (claim.stage === 'asking' && claim.repeated) this.#held(turn, claim);
    else if (claim.stage === 'asking') this.#askAgain(turn, claim);
  }

  /** Names that this node has claimed, for whoever doubts it. */
  entries(name: string): readonly NameEntry[] {
    const claims = [...this.#underWay.named(name), ...this.#placed.named(name)];
    return claims.map(({ containerId, node }) => ({ containerId, name, node, value: '' }));
  }

  #get(id: RequestId): Claim | undefined {
    return this.#underWay.get(id) ?? this.#placed.get(id);
  }

  #drop(claim: Claim): void {
    this.#underWay.delete(claim);
    this.#placed.delete(claim);
  }

  #ask(turn: Turn, claim: Claim): void {
    claim.stage = 'asking';
    claim.repeated = false;
    this.#send(turn, claim);
    claim.token = this.#setTimer(turn, claim, this.#options.askMs);
  }

  #askAgain(turn: Turn, claim: Claim): void {
    claim.repeated = true;
    this.#send(turn, claim);
    claim.token = this.#setTimer(turn, claim, this.#options.askMs);
  }

  #renew(turn: Turn, claim: Claim): void {
    this.#send(turn, claim);
    claim.token = this.#setTimer(turn, claim, NAMES.renewMs);
  }

  #held(turn: Turn, claim: Claim): void {
    claim.stage = 'held';
    claim.doubted = undefined;
    claim.token = this.#setTimer(turn, claim, NAMES.renewMs);
    claim.done(turn, undefined);
  }

  #doubt(turn: Turn, claim: Claim, holder: NameHolder): void {
    if (++claim.doubts > NAMES.doubts) return this.#taken(turn, claim, holder);
    claim.stage = 'doubting';
    const key = { kind: 'name', name: claim.name } as const;
    this.#options.questions.ask(turn, holder.node, key, true, (turn, found) => {
      if (this.#underWay.get(claim.requestId) === claim) this.#heard(turn, claim, holder, found);
    });
  }

  #heard(turn: Turn, claim: Claim, holder: NameHolder, { entries, complete }: Found): void {
    if (!complete) return this.#taken(turn, claim, holder);
    const entry = entries.find(({ containerId }) => containerId === holder.containerId);
    if (entry !== undefined && entry.node === holder.node) return this.#taken(turn, claim, holder);
    if (entry !== undefined) return this.#doubt(turn, claim, { containerId: entry.containerId, node: entry.node });
    claim.doubted = claim.told;
    this.#ask(turn, claim);
  }

  #taken(turn: Turn, claim: Claim, holder: NameHolder): void {
    this.#drop(claim);
    claim.done(turn, holder);
  }

  #send(turn: Turn, claim: Claim): void {
    const { ring, self } = this.#options;
    const { requestId, containerId, name, doubted } = claim;
    claim.owner = ring.owner(ringKey({ kind: 'name', name })) ?? self;
    turn.send(claim.owner, { kind: 'name-claim', requestId, containerId, name, doubted });
  }

  #setTimer(turn: Turn, claim: Claim, afterMs: number): number {
    const token = ++this.#token;
    turn.setTimer({ machine: 'names', name: 'claim', key: claim.requestId, token }, afterMs);
    return token;
  }
}

function isSame(a: NameHolder, b: NameHolder | undefined): boolean {
  return a.containerId === b?.containerId && a.node === b.node;
}
