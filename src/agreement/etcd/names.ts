import { type NodeId, nodeId } from '../../core/model/index.ts';

/**
 * The stable names of agreement members: they are in the certificates and in what the engine remembers of its
 * members; where they point is in each member's hosts file. So addresses may change, all of them at once.
 */
const DOMAIN = 'caravela.internal';

/** In every member's certificate, and asked of whoever connects to a member: a node's own certificate is not enough. */
export const MEMBERS_NAME = `members.${DOMAIN}`;

/** What the engine calls the member on a node. */
export const memberLabel = (node: NodeId): string => `m${node}`;
export const memberName = (node: NodeId): string => `${memberLabel(node)}.${DOMAIN}`;
export const peerUrl = (node: NodeId, port: number): string => `https://${memberName(node)}:${port}`;

/** undefined: not one of our names. */
export function nodeOfPeerUrl(url: string): NodeId | undefined {
  const match = /^https:\/\/m([0-9a-f]{32})\.caravela\.internal:\d+$/.exec(url);
  return match === null ? undefined : nodeId(match[1]!);
}
