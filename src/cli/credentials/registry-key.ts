import { DOCKER_HUB } from '../parse/reference.ts';

/** The name under which Docker's clients keep the credentials of its own registry. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB_NAMES: readonly string[] = [DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io', 'https://index.docker.io/v1', HUB_KEY];

/** What a registry's credentials are kept under: its host and port; of Docker's own its old address. */
export function registryKey(registry: string): string {
  const name = registry.trim();
  return name === '' || HUB_NAMES.includes(name) ? HUB_KEY : hostOf(name);
}

/** `https://host:5000/v2/` as `host:5000`: older clients wrote whole addresses. */
export const hostOf = (address: string): string => address.replace(/^https?:\/\//, '').split('/', 1)[0] ?? '';
