import { isIPv6 } from 'node:net';
import type { ContainerSpec } from '../../../engine/port.ts';
import { parseIpv4 } from '../../../lib/ipv4.ts';
import { ApiError } from '../../http/api-error.ts';
import { API_LIMITS } from '../../limits.ts';
import type { CreateBody } from '../create-body.ts';

/** Docker's word for the address at which a container reaches its host: known where it runs. */
const HOST_GATEWAY = 'host-gateway';

const NAME = /^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_.])?$/;
const OPTION = /^[a-zA-Z0-9_-]{1,63}(:\d{1,9})?$/;

/** What a container is told of other names. @throws ApiError 400 */
export function checkHosts(body: CreateBody): { readonly dns: ContainerSpec['dns']; readonly extraHosts: readonly string[] } {
  const { Dns, DnsSearch, DnsOptions, ExtraHosts } = body.HostConfig ?? {};
  const most = {
    Dns: API_LIMITS.dnsEntries,
    DnsSearch: API_LIMITS.dnsEntries,
    DnsOptions: API_LIMITS.dnsEntries,
    ExtraHosts: API_LIMITS.extraHosts,
  };
  for (const [what, list] of Object.entries({ Dns, DnsSearch, DnsOptions, ExtraHosts })) {
    const [count, limit] = [list?.length ?? 0, most[what as keyof typeof most]];
    if (count > limit) throw new ApiError(400, `HostConfig.${what} may have ${limit} entries, got ${count}`);
  }
  const { Domainname: domain = '' } = body;
  if (domain !== '') refuseOther([domain], (text) => NAME.test(text), 'a domain name (--domainname) has letters, digits, dots and dashes');
  refuseOther(Dns, (ip) => parseIpv4(ip) !== undefined || isIPv6(ip), 'a name server (--dns) is an IP address');
  // A dot alone: no search.
  refuseOther(DnsSearch, (domain) => domain === '.' || NAME.test(domain), 'a search domain (--dns-search) is a domain name');
  refuseOther(DnsOptions, (option) => OPTION.test(option), 'an option for names (--dns-option) is a word of resolv.conf, as ndots:2');
  return {
    dns: { servers: Dns ?? [], search: DnsSearch ?? [], options: DnsOptions ?? [] },
    extraHosts: (ExtraHosts ?? []).map(extraHost),
  };
}

function refuseOther(list: readonly string[] | null | undefined, holds: (text: string) => boolean, says: string): void {
  const bad = list?.find((text) => !holds(text));
  if (bad !== undefined) throw new ApiError(400, `${says}, got ${JSON.stringify(bad.slice(0, 80))}`);
}

/** `name:ip`, and `name=ip`, as newer clients have it; IPv6 may stand in brackets. */
function extraHost(text: string): string {
  const at = text.search(/[:=]/);
  const [name, ip] = [text.slice(0, Math.max(0, at)), text.slice(at + 1).replace(/^\[(.*)\]$/, '$1')];
  const isAddress = parseIpv4(ip) !== undefined || isIPv6(ip) || ip === HOST_GATEWAY;
  if (at <= 0 || !NAME.test(name) || !isAddress) {
    throw new ApiError(400, `bad format for add-host: ${JSON.stringify(text.slice(0, 120))} is not as db:10.0.0.5 or host:${HOST_GATEWAY}`);
  }
  return `${name}:${ip}`;
}
