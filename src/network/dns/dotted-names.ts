import type { NetworkId } from '../../core/model/index.ts';
import { KnownNames } from './known-names.ts';
import type { Resolved } from './port.ts';

/** Under this name, which no container can have, stand all that have names with dots: an alias such as `api.example.org`. */
export const ANY_DOTTED = '.';

/** How long it is taken for granted that a network has such names, or none. */
const KEPT_MS = 1_000;
/** The rest of the world does not wait any longer for a directory that is silent. */
const LOOK_UP_MS = 500;

/**
 * Names with dots that are containers' all the same. The directory is asked for one only where the network has any:
 * else each of the world's names would cost a question to all nodes.
 */
export class DottedNames {
  readonly #resolve: (networks: readonly NetworkId[], name: string) => Promise<Resolved>;
  readonly #any: KnownNames<boolean>;

  /** @param resolve answers in time, and remembers */
  constructor(resolve: (networks: readonly NetworkId[], name: string) => Promise<Resolved>, nowMs: () => number) {
    this.#resolve = resolve;
    this.#any = new KnownNames(nowMs, () => KEPT_MS);
  }

  /** Undefined: no container of these networks has it. */
  async find(networks: readonly NetworkId[], name: string): Promise<Resolved | undefined> {
    const any = await this.#any.get(networks.join(' '), async () => (await this.#soon(networks, ANY_DOTTED)).addresses.length > 0);
    if (!any) return undefined;
    const found = await this.#soon(networks, name);
    return found.addresses.length === 0 && found.complete ? undefined : found;
  }

  forget(): void {
    this.#any.forget();
  }

  async #soon(networks: readonly NetworkId[], name: string): Promise<Resolved> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Resolved>((resolve) => {
      timer = setTimeout(() => resolve({ addresses: [], complete: false }), LOOK_UP_MS);
    });
    try {
      return await Promise.race([this.#resolve(networks, name), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
