import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Authority } from '../../transport/trust/sign-task.ts';
import { writeDurably } from '../node-files.ts';

/** The key that signs certificates, on those nodes that have it: the agreement members (DESIGN §10). */
export class CaKey {
  readonly #path: string;
  readonly #caPem: string;
  #pem: string | undefined;

  constructor(path: string, caPem: string) {
    this.#path = path;
    this.#caPem = caPem;
    this.#removeAside();
    this.#pem = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  get isHere(): boolean {
    return this.#pem !== undefined;
  }

  /** @throws Error where it is not here */
  authority(): Authority {
    if (this.#pem === undefined) throw new Error('this node does not hold the key that signs certificates');
    return { certificatePem: this.#caPem, privateKeyPem: this.#pem };
  }

  /** Keeps what a member handed over. @throws Error where it is another instance's */
  take(pem: string): void {
    if (pem === this.#pem) return;
    if (!fits(pem, this.#caPem)) throw new Error('the key that was handed over is not that of this instance');
    writeDurably(this.#path, pem);
    this.#pem = pem;
  }

  /** This node is no member any more. */
  drop(): void {
    this.#pem = undefined;
    rmSync(this.#path, { force: true });
    this.#removeAside();
  }

  /** Left by a write that was cut short: nobody would remember to remove it. */
  #removeAside(): void {
    rmSync(`${this.#path}.new`, { force: true });
  }
}

function fits(pem: string, caPem: string): boolean {
  try {
    const spki = (key: ReturnType<typeof createPublicKey>) => key.export({ type: 'spki', format: 'der' });
    return spki(createPublicKey(createPrivateKey(pem))).equals(spki(new X509Certificate(caPem).publicKey));
  } catch {
    return false;
  }
}
