import { existsSync, readFileSync } from 'node:fs';
import { listChains, NftError } from '../../../linux/nft.ts';

const LEGACY_TABLES = '/proc/net/ip_tables_names';

/**
 * Whether somebody else translates addresses here, as whoever forwards for containers or machines of its own does:
 * Docker, libvirt, another node. A firewall that only filters does not; firewalld has such chains in any case. Where
 * that can't be seen it is so.
 */
export async function othersForward(): Promise<boolean> {
  if (existsSync(LEGACY_TABLES) && readFileSync(LEGACY_TABLES, 'utf8').split('\n').includes('nat')) return true;
  try {
    const { base, names } = await listChains();
    const isDockerHere = names.some((name) => name.endsWith(' DOCKER-USER'));
    return isDockerHere || base.some(({ hook, table }) => hook === 'postrouting' && table !== 'firewalld');
  } catch (error) {
    if (error instanceof NftError) return true;
    throw error;
  }
}
