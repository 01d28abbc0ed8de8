import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { DNS_LIMITS } from './limits.ts';

/** Servers that a resolv.conf(5) names, in order. An interface (`fe80::1%eth0`) stays with its address. */
export function parseServers(text: string): readonly string[] {
  const servers = text.split('\n').flatMap((line) => {
    const [, server = ''] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
    return isIP(server) === 0 ? [] : [server];
  });
  return [...new Set(servers)].slice(0, DNS_LIMITS.servers);
}

/** Domains that a resolv.conf(5) has names tried in; the last such line counts. */
export function parseSearch(text: string): readonly string[] {
  const lines = text.split('\n').flatMap((line) => /^\s*(?:search|domain)\s+(.*)$/.exec(line)?.[1] ?? []);
  const domains = (lines.at(-1) ?? '').split(/\s+/).filter((domain) => domain !== '');
  return domains.slice(0, DNS_LIMITS.searchDomains);
}

/** The host's, which containers get where they are given none of their own, as with Docker. */
export function hostSearch(path = '/etc/resolv.conf'): readonly string[] {
  try {
    return parseSearch(readFileSync(path, 'utf8'));
  } catch {
    // A host without the file has none.
    return [];
  }
}

/** The servers that the host itself asks; it may get others while we run. */
export class HostServers {
  readonly #path: string;
  readonly #nowMs: () => number;
  #servers: readonly string[] = [];
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, nowMs: () => number) {
    this.#path = path;
    this.#nowMs = nowMs;
  }

  /** A host without the file has none. */
  async get(): Promise<readonly string[]> {
    if (this.#nowMs() - this.#readMs < DNS_LIMITS.hostServersMs) return this.#servers;
    this.#readMs = this.#nowMs();
    this.#servers = parseServers(await readFile(this.#path, 'utf8').catch(() => ''));
    return this.#servers;
  }
}
