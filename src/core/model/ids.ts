/** Branded identifiers. A bare string never stands for one of these outside the decoders that make them. */
declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** 32 lower-case hex digits: the first 16 bytes of SHA-256 over the node's public key (SubjectPublicKeyInfo, DER). */
export type NodeId = Brand<string, 'NodeId'>;
/** 32 lower-case hex digits, random at `create`. */
export type InstanceId = Brand<string, 'InstanceId'>;
/** 64 lower-case hex digits, as Docker's. Chosen by the buyer; a duplicate launch is recognised by it. */
export type ContainerId = Brand<string, 'ContainerId'>;
/** `<container id>.<n>`: the n-th start of a container, n from 1. */
export type TaskId = Brand<string, 'TaskId'>;
/** 32 lower-case hex digits: one request of one user. */
export type RequestId = Brand<string, 'RequestId'>;
/** Correlates an order to the host, or a command from the API, with its answer. Never crosses the network. */
export type OrderId = Brand<number, 'OrderId'>;
export type CommandId = Brand<number, 'CommandId'>;

const HEX = /^[0-9a-f]+$/;

function hexOf(text: string, digits: number, what: string): string {
  if (text.length !== digits || !HEX.test(text)) {
    throw new RangeError(`${what} must be ${digits} lower-case hex digits, got ${JSON.stringify(text)}`);
  }
  return text;
}

export const nodeId = (text: string): NodeId => hexOf(text, 32, 'a node id') as NodeId;
export const instanceId = (text: string): InstanceId => hexOf(text, 32, 'an instance id') as InstanceId;
export const containerId = (text: string): ContainerId => hexOf(text, 64, 'a container id') as ContainerId;
export const requestId = (text: string): RequestId => hexOf(text, 32, 'a request id') as RequestId;
export const taskId = (container: ContainerId, n: number): TaskId => `${container}.${n}` as TaskId;

/** The first 12 digits, as Docker prints ids. */
export const shortId = (id: NodeId | ContainerId | InstanceId): string => id.slice(0, 12);
