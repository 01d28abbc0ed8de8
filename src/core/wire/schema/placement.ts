import { LAUNCH_PHASES } from '../../model/index.ts';
import type { BuyerMessage, DiscoveryMessage, Find, SupplierMessage } from '../../model/index.ts';
import { WIRE_BOUNDS } from '../bounds.ts';
import type { Fields } from '../record.ts';
import { record } from '../record.ts';
import { bool, oneOf, optional, uint, utf8 } from '../type.ts';
import {
  candidates,
  considered,
  containerId,
  coreError,
  detail,
  epoch,
  groupHold,
  need,
  nodeId,
  offer,
  reason,
  region,
  regionsUsed,
  request,
  requestId,
  resources,
  trail,
} from './nouns.ts';
import type { Kinds } from './kinds.ts';

const attempt = uint();

/** A find's progress, which travels on into reserve and back in refuse. */
const finding: Fields<Omit<Find, 'kind' | 'plan'>> = {
  need: [1, need],
  region: [2, region],
  shard: [3, uint()],
  asked: [4, uint()],
  shedDone: [5, bool],
  refusals: [6, uint()],
  used: [7, regionsUsed],
  trail: [16, trail],
};

/** Discovery from 16, the supplier's from 24, the buyer's from 32. */
export const placementKinds: Kinds<DiscoveryMessage | SupplierMessage | BuyerMessage> = {
  publish: [16, record({ region: [1, region], shard: [2, uint()], offer: [3, offer] })],
  withdraw: [17, record({ region: [1, region], shard: [2, uint()], epoch: [3, epoch] })],
  find: [18, record({ ...finding, plan: [17, bool] })],
  'not-found': [19, record({ requestId: [1, requestId], attempt: [2, attempt], asked: [3, uint()], considered: [4, considered] })],
  candidates: [20, record({ requestId: [1, requestId], attempt: [2, attempt], candidates: [3, candidates] })],

  reserve: [24, record({ ...finding, direct: [8, bool] })],
  cancel: [25, record({ requestId: [1, requestId], attempt: [2, attempt], takeBack: [3, bool] })],
  renew: [26, record({ requestId: [1, requestId], attempt: [2, attempt] })],
  ask: [27, record({ need: [1, need] })],
  launch: [
    28,
    record({
      request: [1, request],
      attempt: [2, attempt],
      placement: [3, utf8(WIRE_BOUNDS.placementBytes)],
      group: [4, optional(groupHold)],
    }),
  ],

  accept: [
    32,
    record({
      requestId: [1, requestId],
      attempt: [2, attempt],
      free: [3, resources],
      epoch: [4, epoch],
      holdMs: [5, uint()],
      trail: [6, trail],
      buyer: [7, nodeId],
    }),
  ],
  refuse: [
    33,
    record({ ...finding, direct: [8, bool], reason: [9, reason], detail: [10, detail], free: [11, resources], epoch: [12, epoch] }),
  ],
  answer: [
    34,
    record({
      requestId: [1, requestId],
      attempt: [2, attempt],
      free: [3, resources],
      epoch: [4, epoch],
      reason: [5, optional(reason)],
      detail: [6, detail],
    }),
  ],
  launched: [
    35,
    record({ requestId: [1, requestId], containerId: [2, containerId], attempt: [3, attempt], phase: [4, oneOf(LAUNCH_PHASES)] }),
  ],
  'launch-refused': [
    36,
    record({ requestId: [1, requestId], containerId: [2, containerId], attempt: [3, attempt], error: [4, coreError] }),
  ],
};
