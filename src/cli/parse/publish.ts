import type { PortBinding } from '../../docker-api/types.ts';

/** One published port of a container: `80/tcp` and where its host serves it; '' for any address, and for any free port; `8080-8090` for any of these. */
export interface Published extends PortBinding {
  readonly Port: string;
}

/** The most ports that a range may have. The daemon bounds what a container publishes in all. */
const MOST = 256;
const FORMS = 'write 80, 8080:80, 127.0.0.1:8080:80, 127.0.0.1::80, 8000-8010:80-90 or 8000-8010:80, each with /udp where it is not TCP';

/**
 * What `-p` takes: `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, where HOST may be empty and both may be ranges of the same length,
 * which are taken apart; or HOST alone is a range, of which any free port is meant. @throws RangeError
 */
export function parsePublish(text: string): readonly Published[] {
  const [, rest = '', protocol = 'tcp'] = /^([^/]*)(?:\/(.*))?$/s.exec(text) ?? [];
  const [, v6, afterV6 = ''] = /^\[([^\]]*)\](.*)$/s.exec(rest) ?? [];
  const parts = v6 === undefined ? rest.split(':') : [v6, ...afterV6.split(':').slice(1)];
  const inside = rangeOf(parts.pop() ?? '', text);
  const host = parts.pop() ?? '';
  const ip = parts.pop() ?? '';
  const isWrong = parts.length > 0 || (v6 !== undefined && !afterV6.startsWith(':')) || !/^(tcp|udp|sctp)$/i.test(protocol);
  if (isWrong || (ip === '' && rest.split(':').length > 2)) throw wrong(text);
  if (v6 !== undefined)
    throw new RangeError(`${JSON.stringify(text)} publishes at an IPv6 address; ports are published at IPv4 addresses only`);
  if (inside.length === 1 && host !== '') {
    const { from, to } = boundsOf(host, text);
    return [{ Port: `${inside[0]}/${protocol.toLowerCase()}`, HostIp: ip, HostPort: from === to ? String(from) : `${from}-${to}` }];
  }
  const outside = host === '' ? undefined : rangeOf(host, text);
  if (outside !== undefined && outside.length !== inside.length) {
    throw new RangeError(
      `${JSON.stringify(text)} has ${outside.length} ports of the host for ${inside.length} of the container: leave the host's out for any that are free`,
    );
  }
  return inside.map((port, i) => ({
    Port: `${port}/${protocol.toLowerCase()}`,
    HostIp: ip,
    HostPort: outside === undefined ? '' : String(outside[i]),
  }));
}

/** What `--expose` takes: `80`, `53/udp`, `8000-8010`. @throws RangeError */
export function parseExpose(text: string): readonly string[] {
  const [, range = '', protocol = 'tcp'] = /^([^/]*)(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  try {
    return rangeOf(range, text).map((port) => `${port}/${protocol.toLowerCase()}`);
  } catch {
    throw new RangeError(`${JSON.stringify(text)} is no port to expose: write 80, 53/udp or 8000-8010`);
  }
}

/** As the API has them: by the container's port. */
export function portBindings(published: readonly Published[]): Record<string, PortBinding[]> {
  const bindings: Record<string, PortBinding[]> = {};
  for (const { Port, HostIp, HostPort } of published) (bindings[Port] ??= []).push({ HostIp, HostPort });
  return bindings;
}

function rangeOf(text: string, whole: string): readonly number[] {
  const { from, to } = boundsOf(text, whole);
  if (to - from >= MOST)
    throw new RangeError(`${JSON.stringify(whole)} is a range of ${to - from + 1} ports, of which there may be ${MOST}`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function boundsOf(text: string, whole: string): { readonly from: number; readonly to: number } {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from >= 1 && to <= 65_535 && from <= to)) throw wrong(whole);
  return { from, to };
}

const wrong = (text: string): RangeError => new RangeError(`${JSON.stringify(text)} is no port to publish: ${FORMS}`);
