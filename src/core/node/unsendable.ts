import type { CoreError, Request } from '../model/index.ts';
import { WireError, encode } from '../wire/index.ts';

/** Why a request can't go to another node: something of it is beyond a bound. Undefined: it can. */
export function unsendable(requests: readonly Request[]): CoreError | undefined {
  try {
    for (const request of requests) encode({ kind: 'launch', request, attempt: 1, placement: '', group: undefined });
    return undefined;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { code: 'invalid-request', message: `the request can't be sent to other nodes: ${error.message}`, changed: false };
  }
}

/** The same of what an update makes of a request: it stays within what a run could have asked for. */
export function unkeepable(request: Request | undefined, change: Pick<Request, 'resources' | 'restart' | 'spec'>): CoreError | undefined {
  const { resources, restart, spec } = change;
  return request === undefined ? undefined : unsendable([{ ...request, resources, restart, spec }]);
}
