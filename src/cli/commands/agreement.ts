import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import type { AgreedVersionRow, AgreementRow } from '../../docker-api/caravela-types.ts';
import { confirm } from '../confirm.ts';
import { type Context, connect } from '../context.ts';
import { Failure } from '../failure.ts';
import { renderList } from '../format/list.ts';
import { AGREEMENT_MEMBERS, agreementSummary } from '../views/agreement-view.ts';

const PATH = '/caravela/v1/agreement';

/** What the nodes agree on, how that does, and its rescue. */
export function agreementCommand(context: Context): Command {
  return new Command('agreement')
    .description('Shows how agreement on names, networks and addresses does; saves and rescues what is agreed.')
    .helpCommand(false)
    .addCommand(status(context))
    .addCommand(snapshot(context))
    .addCommand(restore(context))
    .addCommand(recover(context))
    .addCommand(rotateKey(context));
}

function status(context: Context): Command {
  return new Command('status')
    .description('Says whether a majority answers, and who takes part.')
    .option('--format <format>', 'json, or a template for each member: {{.Name}} {{.Role}}')
    .action(async (options: { format?: string }, command: Command) => {
      const client = await connect(context, command);
      const { value } = await client.json<AgreementRow>('GET', PATH);
      if (options.format === 'json') context.io.stdout.write(`${JSON.stringify(value)}\n`);
      else if (options.format !== undefined) context.io.stdout.write(renderList(value.members, AGREEMENT_MEMBERS, options.format));
      else context.io.stdout.write(`${renderList(value.members, AGREEMENT_MEMBERS, undefined)}\n${agreementSummary(value)}`);
    });
}

function snapshot(context: Context): Command {
  return new Command('snapshot')
    .description('Writes what is agreed to a file, as JSON. It holds no keys and no tokens that let anybody in.')
    .argument('<file>', 'where to; - for standard output')
    .action(async (file: string, _options: object, command: Command) => {
      const client = await connect(context, command);
      const body = await client.stream('GET', `${PATH}/snapshot`);
      if (file === '-') {
        for await (const chunk of body as AsyncIterable<Buffer>) context.io.stdout.write(chunk);
        return;
      }
      await writeWhole(file, body);
      context.io.stdout.write(`${file}\n`);
    });
}

function restore(context: Context): Command {
  return new Command('restore')
    .description(
      'Puts a snapshot in place of what is agreed now: networks, addresses, tokens and volumes are again as they were. Who belongs to the instance stays. The node you ask needs etcd; the others follow.',
    )
    .argument('<file>', 'as snapshot wrote it')
    .option('-f, --force', 'do not ask')
    .action(async (file: string, options: { force?: boolean }, command: Command) => {
      await expectYes(
        context,
        options.force,
        'What was agreed since the snapshot is lost; containers whose addresses it does not know get others.',
      );
      const client = await connect(context, command);
      const { value } = await client.json<AgreedVersionRow>('POST', `${PATH}/restore`, { body: createReadStream(file) });
      context.io.stdout.write(`restored; epoch ${value.epoch}\n`);
    });
}

function recover(context: Context): Command {
  return new Command('recover')
    .description(
      'After the loss of a majority of the agreement members: begins agreement anew on the node you ask, which needs etcd, with the newest copy that any node which answers has. Refused while a majority answers.',
    )
    .option('-f, --force', 'do not ask')
    .action(async (options: { force?: boolean }, command: Command) => {
      await expectYes(
        context,
        options.force,
        'The members that do not answer must be lost for ever, or be cut off until they hear of this: what they agree on meanwhile is lost. Nobody may do the same on another side of a cut.',
      );
      const client = await connect(context, command);
      const { value } = await client.json<AgreedVersionRow>('POST', `${PATH}/recover`);
      context.io.stdout.write(`agreement goes on, from this node; epoch ${value.epoch}\n`);
    });
}

function rotateKey(context: Context): Command {
  return new Command('rotate-key')
    .description(
      'Changes the key that nodes seal their datagrams with, as "caravela nodes rm" does by itself: for when it may have become known. Nothing is interrupted.',
    )
    .action(async (_options: object, command: Command) => {
      const client = await connect(context, command);
      await client.json('POST', `${PATH}/rotate-key`);
      context.io.stdout.write('agreed: the nodes come to another key within seconds, where all answer\n');
    });
}

async function expectYes({ io }: Context, force: boolean | undefined, consequence: string): Promise<void> {
  if (force === true) return;
  if (!(await confirm(io, `${consequence}\nGo on?`))) throw new Failure('nothing was done; --force goes on without asking');
}

/** Whole or not at all. */
async function writeWhole(file: string, body: NodeJS.ReadableStream): Promise<void> {
  const aside = `${file}.new`;
  try {
    const handle = await open(aside, 'w', 0o600);
    await pipeline(body, handle.createWriteStream());
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw new Failure(`the snapshot could not be written to ${file}: ${(error as Error).message}`);
  }
}
