import { execFile } from 'node:child_process';
import { access, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_DATA_DIR } from '../context.ts';
import { Failure } from '../failure.ts';

const UNIT_DIR = '/etc/systemd/system';

/** systemd runs, and would start the daemon where we are: a lab's network namespace is not its own. */
export async function systemdServesUs(): Promise<boolean> {
  try {
    await access('/run/systemd/system');
    const [ours, its] = await Promise.all([readlink('/proc/self/ns/net'), readlink('/proc/1/ns/net')]);
    return ours === its;
  } catch {
    return false;
  }
}

/** One node a host has the plain name; others carry their data directory's. */
export function unitName(dataDir: string): string {
  if (dataDir === DEFAULT_DATA_DIR) return 'caravela.service';
  return `caravela-${dataDir.replace(/^\/+/, '').replace(/[^A-Za-z0-9]+/g, '-')}.service`;
}

/**
 * KillMode=process: containers and their conmons live on when the daemon is stopped or replaced. What keeps
 * it from starting, a full disk say, may end at any time: it is tried for ever.
 */
export function unitText(words: readonly string[]): string {
  return `[Unit]
Description=Caravela node
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${words.map(quote).join(' ')}
KillMode=process
Delegate=yes
Restart=on-failure
RestartSec=1
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
`;
}

/** Writes the unit around the daemon's command line, starts it now and at each boot. @throws Failure with systemctl's words */
export async function enableUnit(dataDir: string, words: readonly string[]): Promise<void> {
  const name = unitName(dataDir);
  await writeFile(join(UNIT_DIR, name), unitText(words));
  await systemctl('daemon-reload');
  await systemctl('enable', '--now', name);
}

/** How often systemd had to start the daemon again. */
export async function restartsOf(dataDir: string): Promise<number> {
  const { stdout } = await promisify(execFile)('systemctl', ['show', '-P', 'NRestarts', unitName(dataDir)]);
  return Number(stdout);
}

/** The end of what the daemon logged; '' where the journal does not tell. */
export async function journalOf(dataDir: string, lines: number): Promise<string> {
  const words = ['-u', unitName(dataDir), '-n', String(lines), '-o', 'cat', '--no-pager'];
  const { stdout } = await promisify(execFile)('journalctl', words).catch(() => ({ stdout: '' }));
  return stdout.trimEnd();
}

/** The way back; nothing to do where there is no such unit. */
export async function removeUnit(dataDir: string): Promise<void> {
  const name = unitName(dataDir);
  const path = join(UNIT_DIR, name);
  try {
    await access(path);
  } catch {
    return;
  }
  await systemctl('disable', name);
  await rm(path, { force: true });
  await systemctl('daemon-reload');
}

async function systemctl(...words: string[]): Promise<void> {
  try {
    await promisify(execFile)('systemctl', words);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    throw new Failure(`systemctl ${words.join(' ')} failed: ${said}`);
  }
}

/** As systemd.service(5), Command lines: quotes, backslashes, % and $ mean something there. */
function quote(word: string): string {
  return `"${word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}
