import type { Command } from 'commander';
import type { TokenCreated } from '../../docker-api/caravela-types.ts';
import { Client } from '../../docker-api/client.ts';
import { type Context, settingsOf, socketOf } from '../context.ts';
import { initNode } from './init.ts';
import { afterCreate, afterJoin } from './next-steps.ts';
import { initDocument, type InitDocument, type NodeOptions } from './node-options.ts';
import { startDaemon } from './start-daemon.ts';

const TOKEN_TTL_SECONDS = 24 * 3_600;

/** Makes an instance with this machine as its first node, and starts it. */
export async function bringUpCreate(context: Context, command: Command, options: NodeOptions, machine: string | undefined): Promise<void> {
  const settings = settingsOf(command, context.io.env);
  const document: InitDocument = { ...initDocument('create', options, settings), machineIp: machine };
  const result = await initNode(context.installation, document);
  const onReady = async () => {
    const token = document.open === true ? undefined : await freshToken(document.runDir);
    context.io.stdout.write(afterCreate(result, document, token));
  };
  await startDaemon(context, { settings, config: options.config, foreground: options.foreground === true, onReady });
}

/** Joins through a node of the instance, and starts. */
export async function bringUpJoin(
  context: Context,
  command: Command,
  options: NodeOptions,
  machine: string | undefined,
  bootstrap: string,
): Promise<void> {
  const settings = settingsOf(command, context.io.env);
  const token = options.token ?? context.io.env.CARAVELA_TOKEN;
  const document: InitDocument = {
    ...initDocument('join', options, settings),
    machineIp: machine,
    bootstrap,
    token: token === '' ? undefined : token,
  };
  const result = await initNode(context.installation, document);
  const onReady = async () => void context.io.stdout.write(afterJoin(result));
  await startDaemon(context, { settings, config: options.config, foreground: options.foreground === true, onReady });
}

async function freshToken(runDir: string): Promise<string> {
  const client = new Client({ kind: 'unix', path: socketOf(runDir) });
  const body = { ttlSeconds: TOKEN_TTL_SECONDS, singleUse: false };
  return (await client.json<TokenCreated>('POST', '/caravela/v1/tokens', { body })).value.token;
}
