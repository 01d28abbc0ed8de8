import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import type { LeaseAnswer, LeaseRequest } from '../../core/leases/port.ts';
import { LEASE_BODY_BYTES, LEASES_PATH } from './leases.ts';

/** What nodes say to each other about leases: JSON below LEASES_PATH, the kind of request in the path. */
export function encodeLeaseRequest(request: LeaseRequest): { readonly path: string; readonly body: string } {
  const { kind, network } = request;
  const body = request.kind === 'cede' ? { network, address: request.address } : { network };
  return { path: `${LEASES_PATH}${kind}`, body: JSON.stringify(body) };
}

/** undefined: no such path. @throws SyntaxError naming what is wrong with the body */
export function decodeLeaseRequest(path: string, body: string): LeaseRequest | undefined {
  const kind = path.startsWith(LEASES_PATH) ? path.slice(LEASES_PATH.length) : '';
  if (kind !== 'cede' && kind !== 'reclaim' && kind !== 'return') return undefined;
  const said = objectIn(body);
  const { network, address } = said;
  if (typeof network !== 'string' || !/^[0-9a-f]{64}$/.test(network)) throw new SyntaxError('network: 64 hex digits were expected');
  const id = network as NetworkId;
  if (kind !== 'cede') return { kind, network: id };
  if (!isAddress(address)) throw new SyntaxError('address: a whole number of 32 bits was expected');
  return { kind, network: id, address };
}

export const encodeLeaseAnswer = (answer: LeaseAnswer): string => JSON.stringify(answer);

/** @throws SyntaxError naming what is wrong */
export function decodeLeaseAnswer(body: string): LeaseAnswer {
  const { kind, by } = objectIn(body);
  switch (kind) {
    case 'given':
    case 'not-mine':
    case 'none':
    case 'no-agreement':
      return { kind };
    case 'in-use':
      return { kind, by: typeof by === 'string' && /^[0-9a-f]{1,64}$/.test(by) ? (by as ContainerId) : undefined };
    default:
      throw new SyntaxError('kind: an answer about leases was expected');
  }
}

export const isAddress = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;

function objectIn(body: string): Readonly<Record<string, unknown>> {
  if (body.length > LEASE_BODY_BYTES) throw new SyntaxError(`at most ${LEASE_BODY_BYTES} bytes were expected, got ${body.length}`);
  const value: unknown = JSON.parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('a JSON object was expected');
  return value as Record<string, unknown>;
}
