import { Command } from 'commander';
import type { Context } from '../context.ts';
import { registryKey } from '../credentials/registry-key.ts';
import { CredentialStore } from '../credentials/store.ts';

export function logoutCommand({ io }: Context): Command {
  return new Command('logout')
    .description("Forgets a registry's credentials, in Docker's config or with the helper it names.")
    .argument('[server]', 'Docker Hub where none is said')
    .action(async (server: string | undefined) => {
      const store = await CredentialStore.open(io.env);
      const key = registryKey(server ?? '');
      const had = await store.erase(server ?? '');
      io.stdout.write(had ? `Removing login credentials for ${key}\n` : `Not logged in to ${key}\n`);
    });
}
