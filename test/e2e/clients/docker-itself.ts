import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DockerEngine } from '../../../bench/lib/docker-engine.ts';
import { Lab } from '../../lab/lab.ts';
import { startRegistry } from '../../lab/registry.ts';
import { UnixClient } from '../../lab/unix-client.ts';
import { validatedSocket } from '../../openapi/validated-socket.ts';
import { tidy, type World } from './world.ts';

/** Debian's Docker Engine as a world: who writes what is to be expected of us asks it first. */
export async function startDockerItself(name: string, subnet: string): Promise<World> {
  const dir = `/tmp/${name}`;
  const lab = new Lab({ name, hosts: 1, dir, subnet });
  await lab.up();
  let engine: DockerEngine | undefined;
  try {
    await startRegistry(lab);
    const registry = `${lab.bridgeIp}:5000`;
    const engineDir = join(dir, 'engine');
    engine = await DockerEngine.start(name, engineDir, { netns: lab.host(1).netns, words: [`--insecure-registry=${registry}`] });
    const socket = join(engineDir, 'docker.sock');
    const validated = await validatedSocket(socket, join(dir, 'validated.sock'));
    const client = new UnixClient(socket);
    mkdirSync(join(dir, 'home'));
    const running = engine;
    return {
      socket: validated.socket,
      image: `${registry}/busybox:1`,
      registry,
      place: [],
      networks: false,
      dir,
      deviations: validated.deviations,
      tidy: () => tidy(client),
      down: async () => {
        client.close();
        await validated.close();
        await running.stop();
        await lab.down();
      },
    };
  } catch (error) {
    await engine?.stop();
    await lab.down();
    throw error;
  }
}
