import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { must, shell, until } from './shell.ts';

const PORT = 5443;
/** bcrypt of the password, as htpasswd(1) makes it. */
const PASSWORD_HASH = '$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2';

/** Debian's docker-registry with TLS by an authority of its own, and for one user. */
export interface PrivateRegistry {
  /** `IP:PORT` */
  readonly domain: string;
  readonly user: string;
  readonly password: string;
  /** Of its authority, PEM. */
  readonly caFile: string;
  stop(): Promise<void>;
}

/** On the lab's bridge address; ends with the lab. */
export async function startPrivateRegistry(lab: Lab): Promise<PrivateRegistry> {
  const dir = join(lab.dir, 'private-registry');
  mkdirSync(dir, { recursive: true });
  const at = (name: string) => join(dir, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await must(['openssl', 'req', '-x509', ...newKey, '-subj', '/CN=a lab’s authority', '-keyout', at('ca.key'), '-out', at('ca.crt')]);
  const subject = ['-subj', '/CN=a lab’s registry', '-addext', `subjectAltName=IP:${lab.bridgeIp}`];
  const issuer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key')];
  await must(['openssl', 'req', '-x509', ...newKey, ...subject, ...issuer, '-keyout', at('server.key'), '-out', at('server.crt')]);
  writeFileSync(at('htpasswd'), `me:${PASSWORD_HASH}\n`);
  writeFileSync(
    at('config.yml'),
    `version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: ${dir}/data
http:
  addr: ${lab.bridgeIp}:${PORT}
  tls:
    certificate: ${at('server.crt')}
    key: ${at('server.key')}
auth:
  htpasswd:
    realm: a lab
    path: ${at('htpasswd')}
`,
  );
  const log = openSync(at('registry.log'), 'a');
  const words = [`--net=/run/netns/${lab.switchNetns}`, 'docker-registry', 'serve', at('config.yml')];
  const child: ChildProcess = spawn('nsenter', words, { stdio: ['ignore', log, log], detached: true });
  child.unref();
  const probe = ['nsenter', words[0] ?? '', 'openssl', 's_client', '-connect', `${lab.bridgeIp}:${PORT}`];
  await until('the private registry to answer', async () => (await shell(probe)).code === 0);
  return {
    domain: `${lab.bridgeIp}:${PORT}`,
    user: 'me',
    password: 'correct horse',
    caFile: at('ca.crt'),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
