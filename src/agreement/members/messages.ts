import { type NodeId, nodeId } from '../../core/model/index.ts';

/** What members' daemons ask each other, as JSON. All of it comes from a node of the instance, and is checked all the same. */

/** The leader asks a node whether it would be a member, and for what its certificate needs. */
export interface Prepared {
  readonly requestPem: string;
  readonly peerPort: number;
}

/** The engine has added it: all it needs to start. */
export interface Invitation {
  readonly epoch: number;
  readonly certificatePem: string;
  /** The CA key: that the inviter has it shows that it is a member. */
  readonly secrets: string;
  /** etcd's --initial-cluster. */
  readonly initialCluster: string;
  readonly members: readonly NodeId[];
}

/** What a daemon says of its own member. */
export interface Report {
  /** 0: it is none. */
  readonly epoch: number;
  /** Whether its engine answers. */
  readonly isUp: boolean;
  readonly isLeader: boolean;
  readonly isLearner: boolean;
  readonly term: number;
  readonly index: number;
  readonly bytes: number;
  /** Where asked for: whether a majority answers it. */
  readonly hasQuorum: boolean;
  /** Whether etcd is installed there. */
  readonly isCandidate: boolean;
  /** How many members the leader wants; 0 where it is not the leader's. */
  readonly wanted: number;
}

export const NOT_A_MEMBER: Report = {
  epoch: 0,
  isUp: false,
  isLeader: false,
  isLearner: false,
  term: 0,
  index: 0,
  bytes: 0,
  hasQuorum: false,
  isCandidate: false,
  wanted: 0,
};

const TEXT_CHARACTERS = 16 * 1024;
const MEMBERS = 16;

export function checkPrepared(value: unknown): Prepared {
  const fields = checkFields(value);
  return { requestPem: checkText(fields, 'requestPem'), peerPort: checkNumber(fields, 'peerPort', 65_535) };
}

export function checkInvitation(value: unknown): Invitation {
  const fields = checkFields(value);
  const members = fields['members'];
  if (!Array.isArray(members) || members.length > MEMBERS) throw new Error(`members must be a list of at most ${MEMBERS}`);
  return {
    epoch: checkNumber(fields, 'epoch'),
    certificatePem: checkText(fields, 'certificatePem'),
    secrets: checkText(fields, 'secrets'),
    initialCluster: checkText(fields, 'initialCluster', /^[a-z0-9=:/.,-]+$/),
    members: members.map((each) => nodeId(String(each))),
  };
}

export function checkReport(value: unknown): Report {
  const fields = checkFields(value);
  return {
    epoch: checkNumber(fields, 'epoch'),
    isUp: fields['isUp'] === true,
    isLeader: fields['isLeader'] === true,
    isLearner: fields['isLearner'] === true,
    term: checkNumber(fields, 'term'),
    index: checkNumber(fields, 'index'),
    bytes: checkNumber(fields, 'bytes'),
    hasQuorum: fields['hasQuorum'] === true,
    isCandidate: fields['isCandidate'] === true,
    wanted: checkNumber(fields, 'wanted'),
  };
}

export function checkFields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('an object was expected');
  return value as Readonly<Record<string, unknown>>;
}

/** Names the field, never its value: it may be a secret. */
function checkText(fields: Readonly<Record<string, unknown>>, name: string, pattern = /^/): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > TEXT_CHARACTERS || !pattern.test(value))
    throw new Error(`${name} is not as it should be`);
  return value;
}

function checkNumber(fields: Readonly<Record<string, unknown>>, name: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) {
    throw new Error(`${name} must be an integer from 0 to ${most}`);
  }
  return value;
}
