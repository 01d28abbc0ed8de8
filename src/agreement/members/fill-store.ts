import type { AgreedVersion } from '../../core/model/index.ts';
import { AGREEMENT_LIMITS } from '../check-transaction.ts';
import type { ReplicatedStore, Write } from '../port.ts';

/** In as many transactions as it takes: nobody else sees the store before it is complete. */
export async function fillStore(
  store: Pick<ReplicatedStore, 'transact'>,
  entries: readonly { readonly key: string; readonly value: string }[],
): Promise<AgreedVersion | undefined> {
  let version: AgreedVersion | undefined;
  let writes: Write[] = [];
  let bytes = 0;
  const flush = async () => {
    version = (await store.transact({ when: [], then: writes })).version;
    [writes, bytes] = [[], 0];
  };
  for (const { key, value } of entries) {
    const size = Buffer.byteLength(value);
    if (writes.length === AGREEMENT_LIMITS.perTransaction || bytes + size > AGREEMENT_LIMITS.transactionBytes) await flush();
    writes.push({ put: key, value });
    bytes += size;
  }
  await flush();
  return version;
}
