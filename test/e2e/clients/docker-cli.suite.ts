import { afterEach, beforeAll, describe } from 'vitest';
import { DockerCli, type DockerCliVersion } from './docker-cli.ts';
import { filesSuite } from './files.suite.ts';
import { imagesSuite } from './images.suite.ts';
import { lifecycleSuite } from './lifecycle.suite.ts';
import { runningSuite } from './running.suite.ts';
import type { World } from './world.ts';

/** What is expected of Docker's command line, whatever daemon it asks. */
export function dockerCliSuite(world: () => World, { path }: DockerCliVersion): void {
  let cli: DockerCli;
  beforeAll(async () => {
    cli = new DockerCli(path, world());
    await cli.ok('pull', '-q', world().image);
  });
  afterEach(async () => {
    await cli.killPtys();
    await world().tidy();
  });
  const docker = () => cli;
  describe('processes', () => {
    runningSuite(world, docker);
  });
  describe('lives', () => {
    lifecycleSuite(world, docker);
  });
  describe('files', () => {
    filesSuite(world, docker);
  });
  describe('images', () => {
    imagesSuite(world, docker);
  });
}
