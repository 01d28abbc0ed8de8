import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerCliSuite } from './docker-cli.suite.ts';
import { dockerCliVersions } from './docker-cli.ts';
import { dockerodeSuite } from './dockerode.suite.ts';
import { pythonSuite } from './python.suite.ts';
import { startWorld, type Topology, type World } from './world.ts';

/** All clients, one after another, against an instance of its own. */
export async function clientsSuite({ name, subnet, topology }: { name: string; subnet: string; topology: Topology }): Promise<void> {
  const [debian, other] = await dockerCliVersions();
  let made: World;
  beforeAll(async () => {
    made = await startWorld(name, subnet, topology);
  });
  afterAll(async () => {
    await made?.down();
  });
  const world = () => made;

  describe(`docker ${debian.version}, of Debian`, () => {
    dockerCliSuite(world, debian);
  });
  // Skipped, and shown as skipped, where there is none.
  describe.skipIf(other === undefined)(`docker ${other?.version ?? 'of another version in PATH'}`, () => {
    dockerCliSuite(world, other ?? debian);
  });
  describe('dockerode', () => {
    dockerodeSuite(world);
  });
  describe('python3-docker', () => {
    pythonSuite(world);
  });
  test('every answer was as Docker’s document has it', () => {
    expect(made.deviations()).toEqual([]);
  });
}
