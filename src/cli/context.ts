import type { Command } from 'commander';
import { Client, type TlsFiles } from '../docker-api/client.ts';
import { parseEndpoint } from '../docker-api/endpoint.ts';
import type { Io } from './io.ts';

/** Where the parts of this installation are. */
export interface Installation {
  readonly version: string;
  /** The Node that runs the daemon. */
  readonly node: string;
  /** Whether systemd may be used where it runs. */
  readonly systemd: boolean;
  /** The daemon's program: a file Node runs. */
  readonly daemonEntry: string;
}

/** What every command gets. */
export interface Context {
  readonly io: Io;
  readonly installation: Installation;
  /** The exit code where a command ends well but not with 0: a container's. */
  exitCode: number;
}

export interface Settings {
  readonly host: string | undefined;
  readonly dataDir: string;
  readonly runDir: string;
}

export const DEFAULT_DATA_DIR = '/var/lib/caravela';
const DEFAULT_RUN_DIR = '/run/caravela';

/** The options every command takes, wherever on the line they stand; else the environment's; else the default. */
export function settingsOf(command: Command, env: Io['env']): Settings {
  const given: { host?: string; dataDir?: string; runDir?: string } = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const options: typeof given = at.opts();
    given.host ??= options.host;
    given.dataDir ??= options.dataDir;
    given.runDir ??= options.runDir;
  }
  return {
    host: given.host ?? nonEmpty(env.CARAVELA_HOST),
    dataDir: given.dataDir ?? nonEmpty(env.CARAVELA_DATA_DIR) ?? DEFAULT_DATA_DIR,
    runDir: given.runDir ?? nonEmpty(env.CARAVELA_RUN_DIR) ?? DEFAULT_RUN_DIR,
  };
}

/** The socket of the daemon that runs with this run directory. */
export const socketOf = (runDir: string): string => `${runDir}/caravela.sock`;

/** A client of the daemon the command is meant for. TLS where CARAVELA_CERT_PATH holds ca.pem, cert.pem and key.pem. */
export async function connect(context: Context, command: Command): Promise<Client> {
  const { env } = context.io;
  const settings = settingsOf(command, env);
  const certPath = nonEmpty(env.CARAVELA_CERT_PATH);
  const endpoint = parseEndpoint(settings.host ?? `unix://${socketOf(settings.runDir)}`, certPath !== undefined);
  const tls = endpoint.kind === 'tcp' && endpoint.tls && certPath !== undefined ? await tlsFiles(certPath) : undefined;
  return new Client(endpoint, tls);
}

async function tlsFiles(directory: string): Promise<TlsFiles> {
  const { readFile } = await import('node:fs/promises');
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(`${directory}/${name}`, 'utf8')));
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
