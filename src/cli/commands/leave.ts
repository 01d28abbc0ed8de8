import { resolve } from 'node:path';
import { Command } from 'commander';
import { CannotReachError } from '../../docker-api/errors.ts';
import type { LeaveBody } from '../../docker-api/caravela-types.ts';
import { type Context, connect, settingsOf, socketOf } from '../context.ts';
import { Failure } from '../failure.ts';
import { answers, waitFor } from '../node/ready.ts';
import { removeUnit, systemdServesUs } from '../node/systemd.ts';

const GONE_WITHIN_MS = 60_000;

export function leaveCommand(context: Context): Command {
  return new Command('leave')
    .description('Takes this node out of its instance: says goodbye, removes its containers, cleans the host up, stops the daemon.')
    .option('-f, --force', 'also while containers run here: they are removed')
    .action(async (options: { force?: boolean }, command: Command) => {
      const settings = settingsOf(command, context.io.env);
      if (settings.host !== undefined) throw new Failure('leave concerns this machine: it takes no --host (and no CARAVELA_HOST)');
      const body: LeaveBody = { force: options.force ?? false };
      const client = await connect(context, command);
      try {
        await client.json('POST', '/caravela/v1/leave', { body });
      } catch (error) {
        // The daemon ends while it answers: what counts is that it is gone.
        if (!(error instanceof CannotReachError) || !['ECONNRESET', 'EPIPE'].includes(error.code)) throw error;
      }
      const socket = socketOf(settings.runDir);
      const gone = await waitFor(async () => !(await answers(socket)), GONE_WITHIN_MS);
      if (!gone) throw new Failure(`the daemon still answers on ${socket}: it is leaving; see its log`);
      if (context.installation.systemd && (await systemdServesUs())) await removeUnit(resolve(settings.dataDir));
      context.io.stdout.write('this machine has left its instance\n');
    });
}
