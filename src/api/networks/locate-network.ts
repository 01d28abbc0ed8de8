import { setTimeout } from 'node:timers/promises';
import { Object as ObjectOf, String as StringOf } from 'typebox';
import { Check } from 'typebox/schema';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { askAll } from '../instance/ask.ts';
import type { Scope } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { findNetwork, type FoundNetwork } from './find-network.ts';

const PEER_NETWORK = ObjectOf({ Id: StringOf({ pattern: '^[0-9a-f]{64}$' }) });

/**
 * The network that `word` means. One that was made a moment ago may be known elsewhere and not yet here: where
 * a peer knows it, this waits to hear of it, too. @throws ApiError 404, 400
 */
export async function locateNetwork(context: ApiContext, word: string, scope: Scope): Promise<FoundNetwork> {
  const { backend } = context;
  try {
    return findNetwork(backend, word);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    // A peer asks by id for what it knows itself.
    const id = scope === 'node' ? word : await idElsewhere(context, word);
    if (id === undefined || !/^[0-9a-f]{64}$/.test(id)) throw error;
    const deadlineMs = backend.wallMs() + API_LIMITS.agreedWaitMs;
    while (!backend.networks.list().some((network) => network.id === id)) {
      if (backend.wallMs() >= deadlineMs) throw error;
      await setTimeout(API_LIMITS.agreedPollMs);
    }
    return findNetwork(backend, id);
  }
}

async function idElsewhere({ backend }: ApiContext, word: string): Promise<string | undefined> {
  const path = `/caravela/v1/networks/${encodeURIComponent(word)}`;
  const asked = await askAll(backend, { path, enough: ({ status }) => status === 200 });
  const found = asked.answers.find(({ status, body }) => status === 200 && Check(PEER_NETWORK, body));
  return (found?.body as { readonly Id: string } | undefined)?.Id;
}
