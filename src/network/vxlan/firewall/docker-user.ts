import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { NFT_FAMILY } from '../../../linux/nftables/elements.ts';
import type { NftSocket } from '../../../linux/nftables/nft-socket.ts';
import { hasCode } from '../../../linux/system-error.ts';
import type { Names } from '../names.ts';

/**
 * Beside Docker, which may drop whatever it did not ask to forward: only a rule in its own chain for others' rules,
 * DOCKER-USER, lets ours through, as an `accept` elsewhere ends only the chain that it is in. Docker keeps that
 * chain's rules when it restarts. Written by iptables(8), whichever variant Docker itself uses here.
 */
export class DockerUser {
  readonly #names: Names;
  readonly #nft: NftSocket;
  /** Of the table that holds the chain, when it was looked at last. */
  #lastSeen: string | undefined;

  constructor(names: Names, nft: NftSocket) {
    this.#names = names;
    this.#nft = nft;
  }

  /** Puts our rules there where the chain exists and lacks them; cheap where nothing changed. Resolves to how many were put. */
  async check(): Promise<number> {
    const seen = this.#nft.fingerprint(NFT_FAMILY.ip, 'filter');
    if (seen === this.#lastSeen && !isLegacyInUse()) return 0;
    let put = 0;
    if (await this.#hasChain()) {
      for (const rule of this.#rules()) {
        if ((await iptables(['-C', 'DOCKER-USER', ...rule])) === 0) continue;
        const code = await iptables(['-I', 'DOCKER-USER', ...rule]);
        if (code !== 0)
          throw new Error(`iptables can't put a rule into DOCKER-USER (exit code ${code}): Docker's firewall stops our containers`);
        put += 1;
      }
    }
    this.#lastSeen = this.#nft.fingerprint(NFT_FAMILY.ip, 'filter');
    return put;
  }

  async removeAll(): Promise<void> {
    this.#lastSeen = undefined;
    const isDockerHere = this.#nft.fingerprint(NFT_FAMILY.ip, 'filter') !== '' || isLegacyInUse();
    if (!isDockerHere || !(await this.#hasChain())) return;
    for (const rule of this.#rules()) while ((await iptables(['-D', 'DOCKER-USER', ...rule])) === 0);
  }

  async #hasChain(): Promise<boolean> {
    return (await iptables(['-S', 'DOCKER-USER'])) === 0;
  }

  #rules(): string[][] {
    const { devices, table } = this.#names;
    const accept = ['-m', 'comment', '--comment', table, '-j', 'ACCEPT'];
    return [
      ['-i', `${devices}+`, ...accept],
      ['-o', `${devices}+`, ...accept],
    ];
  }
}

/** Whether the older iptables, of which nftables knows nothing, has a filter table here. */
function isLegacyInUse(): boolean {
  const path = '/proc/net/ip_tables_names';
  return existsSync(path) && readFileSync(path, 'utf8').includes('filter');
}

/** The exit code; 127 where there is no iptables, and so no Docker that uses it. */
function iptables(words: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    execFile('iptables', ['-w', '5', ...words], { timeout: 10_000, killSignal: 'SIGKILL' }, (error) => {
      if (error === null) resolve(0);
      else if (hasCode(error, 'ENOENT')) resolve(127);
      else if (typeof error.code === 'number') resolve(error.code);
      else reject(error);
    });
  });
}
