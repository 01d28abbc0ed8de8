import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import type { ExecCreateBody, ExecCreated, ExecInspect } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { parseEnv, parseEnvFile } from '../parse/assignments.ts';
import { containerPath, execPath } from '../paths.ts';
import { readText } from '../read-text.ts';
import { Session } from '../run/session.ts';
import { startFailure } from '../run/start-failure.ts';
import { addDetachKeys, requireTerminal } from '../run/streams-options.ts';
import { collect } from './options.ts';

interface Options {
  readonly detach?: boolean;
  readonly detachKeys?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly interactive?: boolean;
  readonly privileged?: boolean;
  readonly tty?: boolean;
  readonly user?: string;
  readonly workdir?: string;
}

const MOST_LOOKS = 20;
const LOOK_EVERY_MS = 50;

export function execCommand(context: Context): Command {
  const command = new Command('exec')
    .description('Runs a command in a running container, on whatever node that is; ends with the exit code of the command.')
    .passThroughOptions()
    .argument('<container>')
    .argument('<command>')
    .argument('[arguments...]')
    .usage('[options] CONTAINER COMMAND [ARG...]')
    .option('-d, --detach', 'leave it running and say nothing')
    .option('-e, --env <KEY=value>', 'a variable beside those of the container; KEY alone passes yours on', collect)
    .option('--env-file <file>', 'variables, one a line', collect)
    .option('-i, --interactive', 'with your standard input')
    .option('--privileged', 'with all capabilities')
    .option('-t, --tty', 'with a terminal')
    .option('-u, --user <user[:group]>', "names or numbers, instead of the container's")
    .option('-w, --workdir <path>', "where it starts, instead of the container's");
  return addDetachKeys(command).action(async (name: string, program: string, words: string[], options: Options, own: Command) => {
    const { io } = context;
    const { detach = false, interactive = false, tty = false, detachKeys } = options;
    const stdin = interactive && !detach;
    requireTerminal(io, stdin, tty);
    const texts = await Promise.all((options.envFile ?? []).map(readText));
    const env = [...texts.flatMap((text) => parseEnvFile(text, io.env)), ...parseEnv(options.env ?? [], io.env)];
    const client = await connect(context, own);
    const body = execBody([program, ...words], env, options);
    const { value: exec } = await client.json<ExecCreated>('POST', containerPath(name, '/exec'), { body });
    try {
      if (detach) await client.json('POST', execPath(exec.Id, '/start'), { body: { Detach: true, Tty: tty } });
      else {
        const session = await Session.exec(client, io, exec.Id, { stdin, stdout: true, stderr: true, tty, detachKeys });
        context.exitCode = await outcome(client, session, exec.Id);
      }
    } catch (error) {
      throw execFailure(error);
    }
  });
}

function execBody(argv: string[], env: string[], options: Options): ExecCreateBody {
  const { detach = false, interactive = false, tty = false, privileged = false, user, workdir, detachKeys } = options;
  return {
    AttachStdin: interactive && !detach,
    AttachStdout: !detach,
    AttachStderr: !detach,
    Tty: tty,
    Privileged: privileged,
    Env: env,
    Cmd: argv,
    ...(user === undefined ? {} : { User: user }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(detachKeys === undefined ? {} : { DetachKeys: detachKeys }),
  };
}

async function outcome(client: Client, session: Session, id: string): Promise<number> {
  try {
    session.running();
    if ((await session.show()) === 'detached') {
      session.close();
      await session.sayDetached();
      return 0;
    }
  } catch (error) {
    await session.leaveLine();
    throw error;
  }
  session.close();
  return await exitCode(client, id);
}

/** Its output may end a little before it does. One that closed its output and runs on is not waited for: 0, as Docker says. */
async function exitCode(client: Client, id: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const { value } = await client.json<ExecInspect>('GET', execPath(id, '/json'));
    if (!value.Running || attempt === MOST_LOOKS) return value.ExitCode ?? 0;
    await setTimeout(LOOK_EVERY_MS);
  }
}

/** Docker's 126 and 127 where it is the program's fault; all else is no refusal, as 125 would say. */
function execFailure(error: unknown): unknown {
  const failure = startFailure(error);
  return failure instanceof Failure && failure.exitCode !== EXIT.refused ? failure : error;
}
