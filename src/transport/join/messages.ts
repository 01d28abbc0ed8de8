/**
 * What a joiner and a node of the instance say to each other: one JSON request, one JSON answer.
 *
 *   POST /join            by a stranger: JoinRequest → 200 JoinGrant, or {code, message}
 *   POST /join-forwarded  by a member, to a node that can sign: the same body and answers
 */
import { X509Certificate } from 'node:crypto';
import { LIMITS } from '../../core/model/index.ts';
import type { Address, Arch, CpuClass, Member, NodeId } from '../../core/model/index.ts';
import { decode, encode } from '../../core/wire/index.ts';
import { checkGossipKeys } from '../trust/gossip-keys.ts';
import type { GossipKeys } from '../trust/gossip-keys.ts';
import { checkAddress, checkClass, checkInteger, checkLabels, checkNodeId, checkObject, checkText } from './check.ts';

export const JOIN_PATH = '/join';
export const FORWARD_PATH = '/join-forwarded';

export const JOIN_LIMITS = {
  requestBytes: 128 * 1024,
  answerBytes: 8 * 1024 * 1024,
  /** Members told at join; the rest comes by sync. */
  members: 1_024,
  pemBytes: 8 * 1024,
  instanceBytes: 256 * 1024,
  /** Of what is agreed, in base64; beyond, the new node fetches it from its peers. */
  agreedBytes: 2 * 1024 * 1024,
  routes: 1_024,
  /** Joins one node works on at a time. */
  atATime: 16,
} as const;

/** What a node says of itself to be let in. */
export interface Applicant {
  readonly nodeId: NodeId;
  /** The name it would like; it may get another. */
  readonly name: string;
  readonly address: Address;
  readonly class: CpuClass;
  readonly arch: Arch;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  /** Its host's own, the default route apart: a network of the instance must not overlap them. */
  readonly routes: readonly HostRoute[];
}

export interface HostRoute {
  /** `10.0.0.0/8` */
  readonly block: string;
  readonly device: string;
}

export interface JoinRequest extends Applicant {
  readonly wireVersion: number;
  /** The token's secret, base64url; undefined: none given. */
  readonly secret: string | undefined;
  /** Certificate request (PKCS #10) signed by the key whose hash is nodeId. */
  readonly requestPem: string;
}

/** Everything a new node needs to take part. */
export interface JoinGrant {
  readonly certificatePem: string;
  readonly caPem: string;
  /** The instance's settings: JSON that only the daemon understands. */
  readonly instance: string;
  readonly gossipKeys: GossipKeys;
  readonly members: readonly Member[];
  readonly name: string;
  readonly number: number;
  /** What is agreed, as text that only the daemon understands; '': the new node fetches it. */
  readonly agreed: string;
}

/** @throws Error naming the field that is wrong. */
export function checkJoinRequest(value: unknown): JoinRequest {
  const fields = checkObject(value, 'the request');
  return {
    nodeId: checkNodeId(fields['nodeId'], 'nodeId'),
    name: checkText(fields['name'], 'name', LIMITS.nameBytes, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/),
    address: checkAddress(fields['address']),
    class: checkClass(fields['class']),
    arch: checkText(fields['arch'], 'arch', 32, /^[a-z0-9_]+$/),
    labels: checkLabels(fields['labels']),
    version: checkText(fields['version'], 'version', 64, /^[\x20-\x7e]*$/),
    routes: checkRoutes(fields['routes']),
    wireVersion: checkInteger(fields['wireVersion'], 'wireVersion', 0, 255),
    secret: fields['secret'] === undefined ? undefined : checkText(fields['secret'], 'secret', 64, /^[A-Za-z0-9_-]*$/),
    requestPem: checkText(fields['requestPem'], 'requestPem', JOIN_LIMITS.pemBytes),
  };
}

/** Members travel in the core's own encoding, which checks them. */
export function formatJoinGrant(grant: JoinGrant): string {
  const members = encode({ kind: 'sync-reply', members: grant.members.slice(0, JOIN_LIMITS.members), wanted: [] });
  return JSON.stringify({ ...grant, members: Buffer.from(members).toString('base64') });
}

/** @throws Error naming the field that is wrong. */
export function checkJoinGrant(value: unknown): JoinGrant {
  const fields = checkObject(value, 'the answer');
  return {
    certificatePem: checkCertificate(fields['certificatePem'], 'certificatePem'),
    caPem: checkCertificate(fields['caPem'], 'caPem'),
    instance: checkText(fields['instance'], 'instance', JOIN_LIMITS.instanceBytes),
    gossipKeys: checkGossipKeys(fields['gossipKeys']),
    members: checkMembers(fields['members']),
    name: checkText(fields['name'], 'name', LIMITS.nameBytes, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/),
    number: checkInteger(fields['number'], 'number', 0, 2 ** 31),
    agreed: checkText(fields['agreed'], 'agreed', JOIN_LIMITS.agreedBytes, /^[A-Za-z0-9+/=]*$/),
  };
}

function checkRoutes(value: unknown): readonly HostRoute[] {
  if (!Array.isArray(value) || value.length > JOIN_LIMITS.routes) throw new Error(`routes must be a list of at most ${JOIN_LIMITS.routes}`);
  return value.map((each) => {
    const { block, device } = checkObject(each, 'a route');
    return {
      block: checkText(block, 'route.block', 18, /^[\d.]+\/\d{1,2}$/),
      // As the kernel bounds it (IFNAMSIZ), and fit for a message.
      device: checkText(device, 'route.device', 15, /^[\x21-\x7e]+$/),
    };
  });
}

function checkCertificate(value: unknown, what: string): string {
  const pem = checkText(value, what, JOIN_LIMITS.pemBytes);
  try {
    return new X509Certificate(pem).toString();
  } catch {
    throw new Error(`${what} must be a certificate in PEM`);
  }
}

function checkMembers(value: unknown): readonly Member[] {
  const message = decode(Buffer.from(checkText(value, 'members', JOIN_LIMITS.answerBytes), 'base64'));
  if (message.kind !== 'sync-reply') throw new Error('members must be a list of members');
  return message.members;
}
