import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
      const pid = await daemonPid(settings.runDir);
      const body: LeaveBody = { force: options.force ?? false };
      const client = await connect(context, command);
      try {
        await client.json('POST', '/caravela/v1/leave', { body });
      } catch (error) {
        // The daemon ends while it answers: what counts is that it is gone.
        if (!(error instanceof CannotReachError) || !['ECONNRESET', 'EPIPE'].includes(error.code)) throw error;
      }
      const socket = socketOf(settings.runDir);
      // It cleans up after it has closed its socket; the host is clean when it has ended.
      const isGone = async () => (pid === undefined || !existsSync(`/proc/${pid}`)) && !(await answers(socket));
      if (!(await waitFor(isGone, GONE_WITHIN_MS)))
        throw new Failure('the daemon is still cleaning up; `caravela leave` may be said again');
      if (context.installation.systemd && (await systemdServesUs())) await removeUnit(resolve(settings.dataDir));
      context.io.stdout.write('this machine has left its instance\n');
    });
}

async function daemonPid(runDir: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(join(runDir, 'daemon.pid'), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
