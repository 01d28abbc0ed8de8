import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Context, settingsOf } from '../context.ts';
import { Failure } from '../failure.ts';
import { bringUpCreate, bringUpJoin } from '../node/bring-up.ts';
import { addInstanceOptions, addNodeOptions, type NodeOptions } from '../node/node-options.ts';
import { startDaemon } from '../node/start-daemon.ts';

type Options = NodeOptions & { readonly seeds?: string };

export function daemonCommand(context: Context): Command {
  const command = new Command('daemon')
    .description(
      'Starts the node that was made here by create or join; where this machine has another address than then, it moves there (--advertise says which), and where all have other addresses, --seeds says where others are now. With --seeds it is made where there is none: it joins one of the seeds, or makes an instance where the only seed is this machine.',
    )
    .option('--seeds <ip,ip>', 'nodes to join through, or to find again')
    .option('--token <token>', 'a join token, with --seeds');
  return addInstanceOptions(addNodeOptions(command)).action(async (options: Options, own: Command) => {
    const settings = settingsOf(own, context.io.env);
    if (existsSync(join(settings.dataDir, 'node-id'))) {
      if (options.seeds === undefined) warnUnused(context, options);
      const onReady = async () => void context.io.stdout.write('the node is up\n');
      const { config, advertise } = options;
      const seeds = options.seeds === undefined ? [] : seedsOf(options.seeds).others;
      await startDaemon(context, { settings, config, foreground: options.foreground === true, advertise, seeds, onReady });
      return;
    }
    if (options.seeds === undefined) {
      throw new Failure(
        `there is no node in ${settings.dataDir}: make an instance with \`caravela create\`, or join one with \`caravela join\``,
      );
    }
    await seed(context, own, options, options.seeds);
  });
}

/** Cantainer's line is the same at each start; without --seeds these were said in vain. */
function warnUnused(context: Context, options: Options): void {
  const heard = new Set(['advertise', 'config', 'foreground', 'host', 'dataDir', 'runDir']);
  const given = Object.keys(options).filter((key) => !heard.has(key));
  if (given.length === 0) return;
  const names = given.map((key) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`).join(', ');
  context.io.stderr.write(
    `warning: ${names}: what this node is was said when it was made; only --advertise, --config and --foreground count now\n`,
  );
}

/** Cantainer's way to begin: the same line on every machine. */
async function seed(context: Context, own: Command, options: Options, text: string): Promise<void> {
  const { ours, others } = seedsOf(text);
  const machine = ours[0]?.replace(/:\d+$/, '');
  if (others.length === 0) return bringUpCreate(context, own, options, machine);
  const refusals: string[] = [];
  for (const address of others) {
    try {
      return await bringUpJoin(context, own, options, machine, address);
    } catch (error) {
      // Set up but not started is not a matter of the seed: another would only refuse, too.
      if (!(error instanceof Failure) || existsSync(join(settingsOf(own, context.io.env).dataDir, 'node-id'))) throw error;
      refusals.push(`${address}: ${error.message}`);
    }
  }
  throw new Failure(refusals.length === 1 ? (refusals[0] ?? '') : `none of the seeds could be joined: ${refusals.join('; ')}`);
}

/** @throws Failure where it names none */
function seedsOf(text: string): { readonly ours: readonly string[]; readonly others: readonly string[] } {
  const seeds = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const ownIps = new Set(Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map((a) => a.address)));
  const isOurs = (address: string) => ownIps.has(address) || ownIps.has(address.replace(/:\d+$/, ''));
  if (seeds.length === 0) throw new Failure('--seeds names no address: write --seeds IP,IP');
  return { ours: seeds.filter(isOurs), others: seeds.filter((address) => !isOurs(address)) };
}
