import { join } from 'node:path';
import { expect, test } from 'vitest';
import { shell } from '../../lab/shell.ts';
import type { World } from './world.ts';

/** Debian's Python, for which Debian's python3-docker is; another that comes first in PATH may not have it. */
const PYTHON = '/usr/bin/python3';
const SCENARIOS = join(import.meta.dirname, 'python-scenarios.py');

/** What programs that use python3-docker do. */
export function pythonSuite(world: () => World): void {
  test('does what Python programs ask', async () => {
    const { socket, image, registry, place, networks } = world();
    const env = {
      DOCKER_HOST: `unix://${socket}`,
      E2E_IMAGE: image,
      E2E_REGISTRY: registry,
      E2E_PLACE: JSON.stringify(place),
      E2E_NETWORKS: networks ? 'yes' : 'no',
    };
    const { code, stderr } = await shell([PYTHON, '-W', 'ignore', SCENARIOS], { env, timeoutMs: 200_000 });
    expect(code, stderr).toBe(0);
  });
}
