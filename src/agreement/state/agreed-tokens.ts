import type { StoreAccess } from '../port.ts';
import { factsOf, put } from './deciding.ts';
import type { AgreedToken } from './fact.ts';
import { KEYS } from './keys.ts';

/** Join tokens as they are agreed: every node that lets others in goes by the same ones. All throw AgreementUnavailable. */
export class AgreedTokens {
  readonly #store: StoreAccess;

  constructor(store: StoreAccess) {
    this.#store = store;
  }

  async list(): Promise<readonly AgreedToken[]> {
    return factsOf((await this.#store.range(KEYS.tokens)).value, 'token').map((fact) => fact.token);
  }

  async put(token: AgreedToken): Promise<void> {
    await this.#store.transact({ when: [], then: [put({ kind: 'token', token })] });
  }

  /** False where it is no longer `before`. */
  async replace(before: AgreedToken, after: AgreedToken): Promise<boolean> {
    const { value: entry, version } = await this.#store.get(KEYS.token(before.id));
    const now = entry === undefined ? undefined : factsOf([entry], 'token')[0]?.token;
    if (entry === undefined || now === undefined || now.usedBy !== before.usedBy || now.expiresAtMs !== before.expiresAtMs) return false;
    const outcome = await this.#store.transact({
      when: [{ key: entry.key, is: 'at', modRevision: entry.modRevision }],
      then: [put({ kind: 'token', token: after })],
      epoch: version.epoch,
    });
    return outcome.committed;
  }

  /** False where there is none. */
  async remove(id: string): Promise<boolean> {
    // What can't be a key is no token.
    if (!/^[0-9a-f]{12}$/.test(id)) return false;
    const key = KEYS.token(id);
    const outcome = await this.#store.transact({ when: [{ key, is: 'present' }], then: [{ remove: key }] });
    return outcome.committed;
  }
}
