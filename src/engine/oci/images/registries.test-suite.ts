/** Registries for tests: Debian's docker-registry on a free loopback port, open or behind htpasswd, TLS, or a token server. */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDir, until } from './images-bench.test-suite.ts';

/** bcrypt of `secret`, the only kind the registry takes. */
const HTPASSWD = 'me:$2b$05$m3hSemEnQtpakWjbKvZuNuzXGDM3edj3Q7pKbRKXlR/YdFLxgrxdO\n';

/** Lets everybody in. Gives `127.0.0.1:PORT`. */
export async function realRegistry(): Promise<string> {
  return startRegistry(temporaryDir());
}

/** Wants Basic: user `me` with `secret`. */
export async function passwordRegistry(): Promise<string> {
  const dir = temporaryDir();
  writeFileSync(join(dir, 'htpasswd'), HTPASSWD);
  return startRegistry(dir, `auth: {htpasswd: {realm: test, path: ${dir}/htpasswd}}\n`);
}

/** With a certificate of its own making, which `ca` is to be trusted for; with `wantsClient` only for who shows `client`. */
export async function tlsRegistry(
  wantsClient = false,
): Promise<{ readonly domain: string; readonly ca: string; readonly client: { readonly cert: string; readonly key: string } }> {
  const dir = temporaryDir();
  const make = (name: string, subject: string): { cert: string; key: string } => {
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
    execFileSync('openssl', [...words, '-keyout', key, '-out', cert, '-subj', subject, '-addext', 'subjectAltName=IP:127.0.0.1'], {
      stdio: 'ignore',
    });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  };
  const server = make('server', '/CN=registry');
  const client = make('client', '/CN=client');
  const clientCas = wantsClient ? `, clientcas: [${dir}/client.pem]` : '';
  const domain = await startRegistry(dir, '', `, tls: {certificate: ${dir}/server.pem, key: ${dir}/server.key${clientCas}}`);
  return { domain, ca: server.cert, client };
}

async function startRegistry(dir: string, more = '', moreHttp = ''): Promise<string> {
  const port = await freePort();
  const config = join(dir, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${dir}/data}}\nhttp: {addr: "127.0.0.1:${port}"${moreHttp}}\n${more}`,
  );
  const registry = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  onTestFinished(() => void registry.kill('SIGKILL'));
  await until(() => canConnect(port));
  return `127.0.0.1:${port}`;
}

export interface TokenRegistry {
  readonly domain: string;
  /** Token questions: `GET`, or `POST` with a refresh token, and the scopes asked for. */
  readonly tokens: { readonly how: string; readonly scopes: readonly string[] }[];
  /** Requests for anything else, in order, as `PUT /v2/…`. */
  readonly asked: string[];
  /** As it is told. */
  lifetimeSeconds: number;
  /** For how much longer a token is good. */
  graceSeconds: number;
  /** Answers itself, or leaves the request to the registry by returning false. */
  intercept: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
}

/** A registry behind a token server, which knows `me` with `secret`, and the refresh token `refresh-me`. A token is good for its scopes alone. */
export async function tokenRegistry(): Promise<TokenRegistry> {
  const backend = await realRegistry();
  const issued = new Map<string, { readonly scopes: readonly string[]; readonly untilMs: number }>();
  const server = http.createServer((request, response) => void serve(request, response));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const domain = `127.0.0.1:${port}`;
  const registry: TokenRegistry = { domain, tokens: [], asked: [], lifetimeSeconds: 300, graceSeconds: 0, intercept: () => false };

  const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', `http://${domain}`);
    if (url.pathname === '/token') return giveToken(request, response, url);
    registry.asked.push(`${request.method} ${request.url}`);
    const token = issued.get((request.headers.authorization ?? '').replace('Bearer ', ''));
    const needed = neededScopes(request.method ?? '', url);
    if (token === undefined || token.untilMs < Date.now() || !needed.every((scope) => allows(token.scopes, scope))) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${domain}/token",service="test"` }).end();
      return;
    }
    if (registry.intercept(request, response)) return;
    const [host, backendPort] = backend.split(':');
    const onward = http.request(
      { host, port: backendPort, method: request.method, path: request.url, headers: { ...request.headers, host: domain } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };

  const giveToken = async (request: http.IncomingMessage, response: http.ServerResponse, url: URL): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const form = new URLSearchParams(body);
    const isPost = request.method === 'POST';
    const scopes = isPost ? (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '') : url.searchParams.getAll('scope');
    registry.tokens.push({ how: isPost ? 'POST' : 'GET', scopes });
    const isKnown = isPost
      ? form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === 'refresh-me' && form.get('service') === 'test'
      : request.headers.authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
    if (!isKnown) {
      response.writeHead(401).end('{}');
      return;
    }
    const token = randomUUID();
    issued.set(token, { scopes, untilMs: Date.now() + (registry.lifetimeSeconds + registry.graceSeconds) * 1000 });
    response.writeHead(200).end(JSON.stringify({ [isPost ? 'access_token' : 'token']: token, expires_in: registry.lifetimeSeconds }));
  };
  return registry;
}

function neededScopes(method: string, url: URL): string[] {
  const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname)?.[1];
  if (repository === undefined) return [];
  const from = url.searchParams.get('from');
  const isRead = method === 'GET' || method === 'HEAD';
  return [`repository:${repository}:${isRead ? 'pull' : 'push'}`, ...(from === null ? [] : [`repository:${from}:pull`])];
}

function allows(scopes: readonly string[], needed: string): boolean {
  const [, name, action = ''] = /^(.*):([a-z]+)$/.exec(needed) ?? [];
  return scopes.some((scope) => scope.startsWith(`${name}:`) && scope.slice(`${name}:`.length).split(',').includes(action));
}

function canConnect(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/v2/`).then(
    () => true,
    (error: unknown) => !String((error as { cause?: unknown }).cause).includes('ECONNREFUSED'),
  );
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    server.close(() => resolve(port));
  });
  return promise;
}
