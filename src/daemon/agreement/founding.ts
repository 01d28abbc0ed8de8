import { randomBytes } from 'node:crypto';
import type { AgreedState, NodeChanges } from '../../agreement/state/port.ts';
import { type AgreedNetwork, DEFAULT_NETWORK, type NetworkId } from '../../core/model/index.ts';
import { type Cidr, parseCidr } from '../../lib/ipv4.ts';
import type { Store } from '../../store/port.ts';
import { DOCUMENTS, type NodeSettings } from '../settings.ts';

/** Left by `create` for the first start of the daemon: what is to be agreed on before anything else. */
export interface Founding {
  /** The default network's, so that a start that broke off goes on with the same. */
  readonly networkId: NetworkId;
  /** `10.210.0.0/16` */
  readonly subnet: string;
  readonly createdAtMs: number;
}

/** Below those that are drawn for other networks. */
const DEFAULT_VNI = 4_095;

export function newFounding(subnet: string, createdAtMs: number): Founding {
  return { networkId: randomBytes(32).toString('hex') as NetworkId, subnet, createdAtMs };
}

export function isFounding(store: Store): boolean {
  return foundingOf(store) !== undefined;
}

/** The first agreed facts: this node, number 1, and the default network. Repeated after a crash in its midst, the same. */
export async function agreeOnFirstFacts(store: Store, state: AgreedState & NodeChanges, settings: NodeSettings): Promise<void> {
  const founding = foundingOf(store);
  if (founding === undefined) return;
  await state.admitNode(settings.nodeId, settings.name, founding.createdAtMs);
  const created = await state.createNetwork(defaultNetwork(founding));
  if (!created.ok) throw new Error(`the default network could not be made: network ${created.with.name} is in its way`);
  store.putDocument(DOCUMENTS.founding, null);
}

function defaultNetwork({ networkId, subnet, createdAtMs }: Founding): AgreedNetwork {
  const block = parseCidr(subnet) as Cidr;
  return {
    id: networkId,
    name: DEFAULT_NETWORK,
    subnet: block,
    gateway: block.base + 1,
    vni: DEFAULT_VNI,
    internal: false,
    mtu: undefined,
    labels: {},
    options: {},
    createdAtMs,
  };
}

function foundingOf(store: Store): Founding | undefined {
  return (store.document(DOCUMENTS.founding) ?? undefined) as Founding | undefined;
}
