import { Command } from 'commander';
import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import type { AuthAnswer, RegistryAuth } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { CredentialStore } from '../credentials/store.ts';
import { registryKey } from '../credentials/registry-key.ts';
import { EXIT, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { ask, askHidden } from '../terminal/ask.ts';

interface Options {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

export function loginCommand(context: Context): Command {
  return new Command('login')
    .description("Checks credentials with a registry and keeps them in Docker's config, where pull and push find them.")
    .argument('[server]', 'such as registry.example.com:5000; Docker Hub where none is said')
    .option('-u, --username <name>')
    .option('-p, --password <password>', 'shells remember it, others see it in ps: better use --password-stdin')
    .option('--password-stdin', 'read it from stdin')
    .action(async (server: string | undefined, options: Options, command: Command) => {
      const { io } = context;
      const registry = server ?? '';
      refuse(options);
      const client = await connect(context, command);
      const store = await CredentialStore.open(io.env);
      const auth = await credentials(client, io, store, registry, options);
      if (auth === undefined) return;
      const { value } = await client.json<AuthAnswer | undefined>('POST', '/auth', { body: auth });
      const token = value?.IdentityToken ?? '';
      await store.set(registry, token === '' ? auth : { ...auth, password: '', identitytoken: token });
      if (store.isPlain(registry)) {
        io.stderr.write(
          `WARNING! Your credentials are stored unencrypted in '${store.path}'.\nConfigure a credential helper to remove this warning.\n`,
        );
      }
      io.stdout.write(`${value?.Status || 'Login Succeeded'}\n`);
    });
}

function refuse({ username, password, passwordStdin }: Options): void {
  if (passwordStdin === true && password !== undefined)
    throw new Failure('--password and --password-stdin exclude each other', EXIT.failed);
  if (passwordStdin === true && (username === undefined || username === '')) {
    throw new Failure('--password-stdin needs --username', EXIT.failed);
  }
}

/** What was said, what is known already, or what the user types. Undefined: what is known is still good, and all is told. */
async function credentials(
  client: Client,
  io: Io,
  store: CredentialStore,
  registry: string,
  options: Options,
): Promise<RegistryAuth | undefined> {
  const { username, password, passwordStdin = false } = options;
  const serveraddress = registryKey(registry);
  if (password !== undefined) io.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
  if (username === undefined && password === undefined) {
    const known = await store.get(registry);
    if (known !== undefined && (await isGood(client, io, known))) return undefined;
  }
  if (!passwordStdin && !io.stdinIsTty && (username === undefined || password === undefined)) {
    throw new Failure('cannot perform an interactive login from a non TTY device: use --username and --password-stdin', EXIT.failed);
  }
  const name = username ?? (await ask(io, 'Username: '));
  if (name === '') throw new Failure('a username is needed', EXIT.failed);
  const secret = passwordStdin ? await readPassword(io) : (password ?? (await askHidden(io, 'Password: ')));
  if (secret === '') throw new Failure('a password is needed', EXIT.failed);
  return { username: name, password: secret, serveraddress };
}

async function isGood(client: Client, io: Io, known: RegistryAuth): Promise<boolean> {
  io.stdout.write(`Authenticating with existing credentials...${known.username === undefined ? '' : ` [Username: ${known.username}]`}\n`);
  try {
    const { value } = await client.json<AuthAnswer | undefined>('POST', '/auth', { body: known });
    io.stdout.write(`${value?.Status || 'Login Succeeded'}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    io.stderr.write(`Login did not succeed, error: ${error.message}\n`);
    return false;
  }
}

const MOST_PASSWORD_BYTES = 64 * 1024;

/** All of stdin but the end of its last line, as Docker reads a password. */
async function readPassword({ stdin }: Io): Promise<string> {
  let text = '';
  for await (const chunk of stdin) {
    text += String(chunk);
    if (text.length > MOST_PASSWORD_BYTES)
      throw new Failure(`the password on stdin is longer than ${MOST_PASSWORD_BYTES} bytes`, EXIT.failed);
  }
  return text.replace(/\r?\n$/, '');
}
