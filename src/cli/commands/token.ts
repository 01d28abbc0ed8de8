import { durationText } from '../../lib/duration-text.ts';
import { Command } from 'commander';
import type { TokenCreateBody, TokenCreated, TokenRow } from '../../docker-api/caravela-types.ts';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { timestamp } from '../format/human.ts';
import { renderList, type View } from '../format/list.ts';
import { parseDuration } from '../parse/duration.ts';
import { each } from './each.ts';
import { value } from './options.ts';

const DEFAULT_TTL = '24h';

/** Join tokens: `token create` prints one, once. */
export function tokenCommand(context: Context): Command {
  return new Command('token')
    .description('Makes, lists and removes join tokens.')
    .helpCommand(false)
    .addCommand(create(context))
    .addCommand(list(context))
    .addCommand(remove(context));
}

function create(context: Context): Command {
  return new Command('create')
    .description('Makes a join token and prints it; it is not shown again.')
    .option('--ttl <duration>', 'how long it is good for', value(parseDuration), parseDuration(DEFAULT_TTL))
    .option('--single-use', 'good for one node')
    .option('--format <format>', 'json, or a template: {{.token}}')
    .action(async (options: { ttl: number; singleUse?: boolean; format?: string }, command: Command) => {
      const ttlSeconds = Math.floor(options.ttl / 1_000);
      if (ttlSeconds < 1) throw new Failure('a token must be good for one second at least: write --ttl 1h');
      const client = await connect(context, command);
      const body: TokenCreateBody = { ttlSeconds, singleUse: options.singleUse ?? false };
      const { value: made } = await client.json<TokenCreated>('POST', '/caravela/v1/tokens', { body });
      const view: View<TokenCreated> = { fields: (row) => ({ ...row }), titles: {}, columns: ['token'] };
      context.io.stdout.write(options.format === undefined ? `${made.token}\n` : renderList([made], view, options.format));
    });
}

function list(context: Context): Command {
  return new Command('ls')
    .alias('list')
    .description('Lists join tokens by their ids.')
    .option('-q, --quiet', 'only ids')
    .option('--format <format>', 'table, json, or a template: {{.ID}} {{.Expires}}')
    .action(async (options: { quiet?: boolean; format?: string }, command: Command) => {
      const client = await connect(context, command);
      const { value: rows } = await client.json<TokenRow[]>('GET', '/caravela/v1/tokens');
      context.io.stdout.write(renderList(rows, tokenView(Date.now()), options.quiet === true ? '{{.ID}}' : options.format));
    });
}

function remove(context: Context): Command {
  return new Command('rm')
    .description('Removes join tokens: nobody joins with them any more.')
    .argument('<id...>', 'ids, as `token ls` shows them')
    .action(async (ids: string[], _options: object, command: Command) => {
      const client = await connect(context, command);
      await each(context.io, ids, async (id) => {
        await client.json('DELETE', `/caravela/v1/tokens/${encodeURIComponent(id)}`);
        return id;
      });
    });
}

function tokenView(nowMs: number): View<TokenRow> {
  return {
    columns: ['ID', 'Created', 'Expires', 'SingleUse', 'Used'],
    titles: {
      ID: 'ID',
      Created: 'CREATED',
      CreatedAt: 'CREATED AT',
      Expires: 'EXPIRES',
      ExpiresAt: 'EXPIRES AT',
      SingleUse: 'SINGLE USE',
      Used: 'USED',
    },
    fields: (row) => ({
      ID: row.id,
      Created: `${durationText(nowMs - row.createdAtMs)} ago`,
      CreatedAt: timestamp(row.createdAtMs),
      Expires: row.expiresAtMs <= nowMs ? 'expired' : `in ${durationText(row.expiresAtMs - nowMs)}`,
      ExpiresAt: timestamp(row.expiresAtMs),
      SingleUse: String(row.singleUse),
      Used: row.used ? 'yes' : 'no',
    }),
    json: (row) => row,
  };
}
