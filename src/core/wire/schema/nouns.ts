import {
  AFFINITY_SUBJECTS,
  CONSTRAINT_OPERATORS,
  CPU_CLASSES,
  ERROR_CODES,
  LIMITS,
  MEMBER_STATES,
  POLICIES,
  PORT_PROTOCOLS,
  REFUSAL_REASONS,
  RESTART_POLICIES,
} from '../../model/index.ts';
import type {
  Address,
  Affinity,
  AgreedVersion,
  Considered,
  Constraint,
  ContainerId,
  CoreError,
  Epoch,
  GroupHold,
  GroupPart,
  Hint,
  HostPort,
  Member,
  Need,
  NodeId,
  Offer,
  Region,
  Request,
  RequestId,
  Resources,
  RestartPolicy,
  Rumour,
  Seen,
} from '../../model/index.ts';
import { WIRE_BOUNDS } from '../bounds.ts';
import { record, variants } from '../record.ts';
import { bool, float64, hex, labels, list, oneOf, optional, positive, prose, sint, uint, utf8 } from '../type.ts';

/** The nouns that messages are made of. Field numbers are for ever. */

export const nodeId = hex<NodeId>(32);
export const containerId = hex<ContainerId>(64);
export const requestId = hex<RequestId>(32);
const shortId = hex<string>(16);
const specDigest = hex<string>(16);

/** Names reach terminals and file names: no control characters. */
const PRINTABLE = /^[^\p{Cc}]*$/u;
const IP_LITERAL = /^[0-9a-fA-F:.]*$/;

const cpuClass = oneOf(CPU_CLASSES);
const arch = utf8(WIRE_BOUNDS.archBytes, PRINTABLE);
const port = uint(65_535);
const name = utf8(LIMITS.nameBytes, PRINTABLE);
export const containerName = utf8(LIMITS.longNameBytes, PRINTABLE);
const nodeLabels = labels(LIMITS.labels, LIMITS.labelBytes);
const regionKey = utf8(WIRE_BOUNDS.regionKeyBytes, PRINTABLE);

/** Signed: what is free is below zero where a node's capacity shrank under what it holds. */
export const resources = record<Resources>({ cpuMillicores: [1, sint], memoryBytes: [2, sint] });
export const incarnation = uint(LIMITS.incarnation);
export const epoch = record<Epoch>({ incarnation: [1, incarnation], counter: [2, uint()] });
export const region = record<Region>({ class: [1, cpuClass], cpuBucket: [2, sint], memoryBucket: [3, sint] });
const address = record<Address>({ ip: [1, utf8(WIRE_BOUNDS.ipBytes, IP_LITERAL)], controlPort: [2, port], gossipPort: [3, port] });

export const member = record<Member>({
  id: [1, nodeId],
  name: [2, name],
  number: [3, uint()],
  incarnation: [4, incarnation],
  state: [5, oneOf(MEMBER_STATES)],
  address: [6, address],
  class: [7, cpuClass],
  arch: [8, arch],
  labels: [9, nodeLabels],
  capacity: [10, resources],
  underlayMtu: [11, uint(65_535)],
  version: [12, utf8(WIRE_BOUNDS.versionBytes, PRINTABLE)],
  draining: [13, bool],
});

type StateRumour = Omit<Extract<Rumour, { kind: 'state' }>, 'kind'>;

export const rumours = variants<Rumour>(
  {
    record: [1, record({ member: [1, member] })],
    state: [
      2,
      record<StateRumour>({
        shortId: [1, shortId],
        incarnation: [2, incarnation],
        state: [3, oneOf(['suspect', 'dead', 'left'])],
        from: [4, shortId],
      }),
    ],
  },
  LIMITS.gossipPerPacket,
);

const hint = record<Hint>({ region: [1, region], countLevel: [2, uint(64)], splitLevel: [3, uint(32)], stamp: [4, uint()] });
export const hints = list(hint, LIMITS.hintsPerPacket);

export const offer = record<Offer>({
  supplier: [1, nodeId],
  class: [2, cpuClass],
  arch: [3, arch],
  free: [4, resources],
  labels: [5, nodeLabels],
  name: [6, name],
  draining: [7, bool],
  epoch: [8, epoch],
  ttlMs: [9, uint()],
});

const constraint = record<Constraint>({
  key: [1, utf8(WIRE_BOUNDS.constraintBytes)],
  operator: [2, oneOf(CONSTRAINT_OPERATORS)],
  value: [3, utf8(WIRE_BOUNDS.constraintBytes)],
  soft: [4, bool],
});
const affinity = record<Affinity>({
  subject: [1, oneOf(AFFINITY_SUBJECTS)],
  key: [2, utf8(WIRE_BOUNDS.constraintBytes)],
  operator: [3, oneOf(CONSTRAINT_OPERATORS)],
  value: [4, utf8(WIRE_BOUNDS.affinityBytes)],
  soft: [5, bool],
});
const affinities = list(affinity, LIMITS.affinities);
const constraints = list(constraint, LIMITS.constraints);
const arches = list(arch, WIRE_BOUNDS.arches);
const hostPort = record<HostPort>({ protocol: [1, oneOf(PORT_PROTOCOLS)], ip: [2, uint(0xffff_ffff)], port: [3, positive(65_535)] });
const hostPorts = list(hostPort, LIMITS.hostPorts);
const vnis = list(uint(0xff_ffff), LIMITS.networksPerContainer);
export const agreedVersion = record<AgreedVersion>({ epoch: [1, uint()], revision: [2, uint()] });

export const need = record<Need>({
  requestId: [1, requestId],
  attempt: [2, uint()],
  buyer: [3, nodeId],
  resources: [4, resources],
  class: [5, cpuClass],
  arches: [6, arches],
  constraints: [7, constraints],
  exclude: [8, list(nodeId, LIMITS.exclude)],
  policy: [9, oneOf(POLICIES)],
  specDigest: [10, specDigest],
  affinities: [11, affinities],
  hostPorts: [12, hostPorts],
  vnis: [13, vnis],
});

export const request = record<Request>({
  id: [1, requestId],
  containerId: [2, containerId],
  name: [3, containerName],
  resources: [4, resources],
  class: [5, cpuClass],
  arches: [6, arches],
  constraints: [7, constraints],
  policy: [8, oneOf(POLICIES)],
  restart: [9, record<RestartPolicy>({ name: [1, oneOf(RESTART_POLICIES)], maximumRetries: [2, uint()] })],
  autoRemove: [10, bool],
  stopSignal: [11, utf8(WIRE_BOUNDS.signalBytes, PRINTABLE)],
  stopTimeoutMs: [12, uint()],
  spec: [13, utf8(LIMITS.specBytes)],
  affinities: [14, affinities],
  labels: [15, labels(LIMITS.containerLabels, LIMITS.specBytes)],
  image: [16, utf8(LIMITS.imageBytes)],
  hostPorts: [17, hostPorts],
  vnis: [18, vnis],
});

const groupPart = record<GroupPart>({ requestId: [1, requestId], resources: [2, resources], specDigest: [3, specDigest] });
export const groupHold = record<GroupHold>({ hold: [1, requestId], parts: [2, list(groupPart, LIMITS.stack)] });

export const reason = oneOf(REFUSAL_REASONS);
export const detail = prose(WIRE_BOUNDS.detailBytes);

export const considered = list(
  record<Considered>({
    nodeId: [1, nodeId],
    name: [2, name],
    accepted: [3, bool],
    reason: [4, optional(reason)],
    detail: [5, detail],
    free: [6, optional(resources)],
    score: [7, optional(float64)],
  }),
  LIMITS.considered,
);

const seen = record<Seen>({
  nodeId: [1, nodeId],
  reason: [2, optional(reason)],
  detail: [3, prose(WIRE_BOUNDS.seenBytes)],
  free: [4, resources],
  score: [5, optional(float64)],
});
export const trail = list(seen, LIMITS.trail);
export const candidates = list(seen, LIMITS.candidates);

export const coreError = record<CoreError>({
  code: [1, oneOf(ERROR_CODES)],
  message: [2, prose(WIRE_BOUNDS.errorBytes)],
  changed: [3, bool],
});

/** Keys of the regions a find has asked. */
export const regionsUsed = list(regionKey, WIRE_BOUNDS.regionsUsed);
