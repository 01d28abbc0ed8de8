/** The expectations of our tests, held against Docker itself: `E2E_DOCKER_ITSELF=1 vitest run --project e2e test/e2e/docker-itself.test.ts`. */
import { afterAll, beforeAll, describe } from 'vitest';
import { dockerCliSuite } from './clients/docker-cli.suite.ts';
import { dockerCliVersions } from './clients/docker-cli.ts';
import { startDockerItself } from './clients/docker-itself.ts';
import { dockerodeSuite } from './clients/dockerode.suite.ts';
import { pythonSuite } from './clients/python.suite.ts';
import type { World } from './clients/world.ts';

const asked = process.env['E2E_DOCKER_ITSELF'] === '1';
const [debian] = await dockerCliVersions();

describe.skipIf(!asked)('Docker itself', () => {
  let world: World;
  beforeAll(async () => {
    world = await startDockerItself('crvdock', '10.79.40');
  });
  afterAll(async () => {
    console.log(world?.deviations().join('\n'));
    await world?.down();
  });
  describe('dockerode', () => {
    dockerodeSuite(() => world);
  });
  describe('python3-docker', () => {
    pythonSuite(() => world);
  });
  describe(`docker ${debian.version}`, () => {
    dockerCliSuite(() => world, debian);
  });
});
