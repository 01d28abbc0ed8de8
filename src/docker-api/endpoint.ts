/** Where an API is served: a unix socket, or TCP with or without TLS. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean };

const DEFAULT_PORTS = { plain: 2375, tls: 2376 };
const FORMS = 'unix:///path/to.sock, tcp://host:port, http://host:port or https://host:port';

/**
 * Reads what `--host`, CARAVELA_HOST and DOCKER_HOST hold. A bare absolute path is a socket; `tcp://`
 * means TLS exactly when `tls` says so (client certificates are set), as Docker does.
 * @throws RangeError naming the value
 */
export function parseEndpoint(text: string, tls: boolean): Endpoint {
  if (text.startsWith('/')) return { kind: 'unix', path: text };
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    if (path.startsWith('/')) return { kind: 'unix', path };
    throw new RangeError(`the host ${JSON.stringify(text)} must name an absolute path, such as unix:///run/caravela/caravela.sock`);
  }
  const match = /^(tcp|http|https):\/\/(\[[0-9a-fA-F:.]+\]|[^/:\s[\]]+)(?::(\d{1,5}))?\/?$/.exec(text);
  if (match === null) throw new RangeError(`the host ${JSON.stringify(text)} is none of ${FORMS}`);
  const [, scheme = '', host = '', port] = match;
  const secure = scheme === 'https' || (scheme === 'tcp' && tls);
  const portNumber = port === undefined ? DEFAULT_PORTS[secure ? 'tls' : 'plain'] : Number(port);
  if (portNumber < 1 || portNumber > 65_535) throw new RangeError(`the port of ${JSON.stringify(text)} must be between 1 and 65535`);
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: portNumber, tls: secure };
}

/** For messages: the path of a socket, or `host:port`. */
export function describeEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return endpoint.path;
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}
