import { type Finding, listed, ok, problem, warning } from './finding.ts';
import type { AgreementSeen, ClosedChain, DriftSeen, FirewallSeen, HostSeen } from './facts.ts';

export interface HostExpected {
  readonly underlayIp: string;
  /** As this node has told its peers. */
  readonly underlayMtu: number;
  readonly vxlanPort: number;
  /** What names of our devices begin with. */
  readonly devices: string;
}

/** Outer Ethernet, IP, UDP and VXLAN headers that a packet must leave room for (RFC 7348), IPv4. */
export const VXLAN_BYTES = 50;

/** What this host itself gives a network to stand on. */
export function checkHost(seen: HostSeen, expected: HostExpected): readonly Finding[] {
  return [
    checkForwarding(seen),
    ...checkFirewall(seen, expected),
    checkBridgeNetfilter(seen),
    checkReversePath(seen),
    checkUnderlay(seen, expected),
    checkTunnels(seen, expected),
    checkNeighbours(seen),
  ];
}

/** @param problems what the server of names can't serve: `port 53/udp of 10.0.0.1 is taken by dnsmasq (pid 7)` */
export function checkNames(problems: readonly string[], { devices }: Pick<HostExpected, 'devices'>): Finding {
  if (problems.length === 0) return ok('names', 'containers can ask for names at the gateways of their networks');
  const advice = `Stop what has the port, or let it leave this node’s devices alone (dnsmasq: bind-dynamic and except-interface=${devices}*); see \`ss -lnp sport = 53\`. It is tried again meanwhile.`;
  return problem('names', `containers can’t ask for names: ${listed(problems)}`, advice);
}

/** @param overlaps why this host takes no part in some networks: `its route 10.0.0.0/8 (eth0) overlaps network back (10.1.0.0/16)` */
export function checkRoutes(overlaps: readonly string[]): Finding {
  if (overlaps.length === 0) return ok('routes', 'none of this host’s overlaps a network');
  const advice =
    'Take the route away, or make the network anew with another --subnet: until then containers on it are placed on other nodes, and those that run here don’t reach all of it.';
  return problem('routes', listed(overlaps), advice);
}

export function checkDrift({ repairs, last, failure }: DriftSeen): Finding {
  if (failure !== undefined) {
    return problem('drift', `the kernel has not what it should have: ${failure}`, 'See the daemon’s log; it goes on trying.');
  }
  if (repairs === 0) return ok('drift', 'the kernel has what it should have, and nobody changed it');
  const advice =
    'Another program changes what is this node’s; see which, and let it leave devices, routes and tables alone that it didn’t make.';
  return warning('drift', `${repairs} put right since the daemon’s start, last: ${listed(last)}`, advice);
}

export function checkAgreement({ quorum, words }: AgreementSeen): Finding {
  if (quorum) return ok('agreement', words);
  const advice =
    'Start the missing members again; see `caravela agreement status`. Until then containers run on, but no network can be made.';
  return problem('agreement', `no quorum: ${words}`, advice);
}

/** From this share on there is little room for the unforeseen. */
const CROWDED = 0.75;
/** The host has an entry for a container, and the container one for its gateway. */
const ENTRIES_PER_ENDPOINT = 2;

function checkNeighbours({ neighbours }: HostSeen): Finding {
  const check = 'neighbours';
  if (neighbours === undefined) return ok(check, 'the kernel shows its table in the host’s own network namespace only');
  const { most, now, endpoints, refused } = neighbours;
  const used = Math.max(now, endpoints * ENTRIES_PER_ENDPOINT);
  const seen = `${now} of at most ${most} entries are in use, containers here need ${endpoints * ENTRIES_PER_ENDPOINT} or more`;
  const enough = 2 ** Math.ceil(Math.log2(Math.max(4 * used, 2 * most)));
  const advice = `Run \`sysctl -w net.ipv4.neigh.default.gc_thresh3=${enough} net.ipv4.neigh.default.gc_thresh2=${enough / 2}\`, and keep it (/etc/sysctl.d).`;
  if (used >= CROWDED * most) return warning(check, `${seen}: beyond that packets are lost`, advice);
  if (refused > 0) return warning(check, `${seen}; ${refused} times since the host’s start there was no room`, advice);
  return ok(check, seen);
}

function checkForwarding({ ipForward }: HostSeen): Finding {
  if (ipForward) return ok('forwarding', 'net.ipv4.ip_forward is 1');
  const advice = 'Run `sysctl -w net.ipv4.ip_forward=1`, and see what sets it to 0 (/etc/sysctl.d).';
  return problem('forwarding', 'net.ipv4.ip_forward is 0: no packet leaves a container’s network', advice);
}

function checkFirewall({ firewall, firewallError }: HostSeen, expected: HostExpected): readonly Finding[] {
  if (firewall === undefined)
    return [problem('firewall', firewallError, 'Install the package nftables; published ports and isolation need it.')];
  const findings = firewall.closed.flatMap((chain) => [
    ...(chain.accepts ? [] : [closedChain(chain, firewall, expected)]),
    ...(chain.names ? [] : [closedToNames(chain, firewall, expected)]),
  ]);
  if (firewall.legacy) {
    const advice =
      'Run `iptables-legacy -S`; its FORWARD chain must accept this node’s devices, INPUT the VXLAN port. Better: switch to iptables-nft.';
    findings.push(warning('firewall', 'there are rules of the old iptables, which can’t be judged from here', advice));
  }
  if (findings.length > 0) return findings;
  const others =
    firewall.managers.length === 0 ? 'no other program keeps rules here' : `rules of ${listed(firewall.managers)} let the networks through`;
  return [ok('firewall', others)];
}

function closedChain(chain: ClosedChain, { managers }: FirewallSeen, { devices, vxlanPort }: HostExpected): Finding {
  const where = wordsFor(chain);
  const iptables = isOfIptables(chain);
  const chainWords = `${chain.family} ${chain.table} ${chain.name}`;
  if (chain.hook === 'input') {
    const advice = managers.includes('ufw')
      ? `Run \`ufw allow ${vxlanPort}/udp\`.`
      : managers.includes('firewalld')
        ? `Run \`firewall-cmd --permanent --add-port=${vxlanPort}/udp\` and \`firewall-cmd --reload\`.`
        : iptables
          ? `Run \`iptables -I INPUT -p udp --dport ${vxlanPort} -j ACCEPT\`, and keep it.`
          : `Run \`nft insert rule ${chainWords} udp dport ${vxlanPort} accept\`, and keep it.`;
    return warning('firewall', `${where}, and has no rule for ${vxlanPort}/udp`, advice);
  }
  const advice = managers.includes('ufw')
    ? `Run \`ufw route allow in on ${devices}+\` and \`ufw route allow out on ${devices}+\`.`
    : managers.includes('firewalld')
      ? trustedZone(devices)
      : iptables
        ? `Run \`iptables -I FORWARD -i ${devices}+ -j ACCEPT\` and \`iptables -I FORWARD -o ${devices}+ -j ACCEPT\`, and keep them.`
        : `Run \`nft insert rule ${chainWords} iifname "${devices}*" accept\` and the same with oifname, and keep them.`;
  return problem('firewall', `${where}, and doesn’t accept this node’s devices`, advice);
}

/** Containers ask this host itself after names: at a gateway's port 53. */
function closedToNames(chain: ClosedChain, { managers }: FirewallSeen, { devices }: HostExpected): Finding {
  const advice = managers.includes('ufw')
    ? `Run \`ufw allow in on ${devices}+ to any port 53\`.`
    : managers.includes('firewalld')
      ? trustedZone(devices)
      : isOfIptables(chain)
        ? `Run \`iptables -I INPUT -i ${devices}+ -j ACCEPT\`, and keep it.`
        : `Run \`nft insert rule ${chain.family} ${chain.table} ${chain.name} iifname "${devices}*" accept\`, and keep it.`;
  return problem('firewall', `${wordsFor(chain)}, and doesn’t let containers ask for names on port 53`, advice);
}

const trustedZone = (devices: string): string =>
  `Run \`firewall-cmd --permanent --zone=trusted --add-interface=${devices}+\` and \`firewall-cmd --reload\`.`;

const wordsFor = ({ name, family, table, hook }: ClosedChain): string =>
  `chain ${name} of table ${family} ${table} (hook ${hook}) drops what it doesn’t accept`;

const isOfIptables = ({ family, table, name, hook }: ClosedChain): boolean =>
  family === 'ip' && table === 'filter' && name === hook.toUpperCase();

function checkBridgeNetfilter({ bridgeNetfilter, firewall }: HostSeen): Finding {
  const check = 'br_netfilter';
  if (bridgeNetfilter !== true) return ok(check, bridgeNetfilter === undefined ? 'is not loaded' : 'is loaded and off');
  const closed = firewall?.closed.some(({ hook, accepts }) => hook === 'forward' && !accepts) ?? false;
  if (!closed) return ok(check, 'is on: bridged frames pass the host’s rules too, which let them through');
  const advice = 'Mend the firewall as told above, or run `sysctl -w net.bridge.bridge-nf-call-iptables=0`.';
  return problem(check, 'is on, and a firewall drops what is forwarded: even containers of one host don’t reach each other', advice);
}

function checkReversePath({ strict }: HostSeen): Finding {
  const check = 'reverse path';
  if (strict.length === 0) return ok(check, 'no device of this node’s filters strictly');
  const advice = 'Run `sysctl -w net.ipv4.conf.all.rp_filter=0` (or 2), and see what sets it to 1 (/etc/sysctl.d).';
  return problem(check, `rp_filter is strict on ${listed(strict)}: answers by another device are dropped`, advice);
}

function checkUnderlay({ underlay }: HostSeen, { underlayIp, underlayMtu }: HostExpected): Finding {
  const check = 'underlay';
  if (underlay === undefined) {
    const advice = 'Restart the daemon if the host has another address now; give the one to use with --advertise.';
    return problem(check, `no device of this host has the address ${underlayIp} that peers send to`, advice);
  }
  const { device, mtu } = underlay;
  if (mtu === underlayMtu) return ok(check, `${device} has ${underlayIp} and an MTU of ${mtu}`);
  const seen = `${device} has an MTU of ${mtu}, peers were told ${underlayMtu}`;
  return mtu < underlayMtu
    ? problem(check, `${seen}: larger packets are lost`, 'Restart the daemon, so that peers learn it.')
    : warning(check, seen, 'Restart the daemon, so that networks use it.');
}

function checkTunnels({ tunnels, underlay }: HostSeen, { underlayMtu }: HostExpected): Finding {
  const check = 'vxlan devices';
  const down = tunnels.filter(({ up }) => !up).map(({ name }) => name);
  if (tunnels.length === 0 || down.length > 0) {
    const seen = tunnels.length === 0 ? 'this node has none' : `${listed(down)} ${down.length === 1 ? 'is' : 'are'} down`;
    return problem(check, seen, 'See the daemon’s log for why the kernel refuses them; `modprobe vxlan` tells whether it knows VXLAN.');
  }
  const room = Math.min(underlay?.mtu ?? underlayMtu, underlayMtu) - VXLAN_BYTES;
  const large = tunnels.filter(({ mtu }) => mtu > room).map(({ name, mtu }) => `${name} (${mtu})`);
  if (large.length === 0) return ok(check, `${tunnels.length} up, with room for ${VXLAN_BYTES} bytes of headers on the underlay`);
  const advice = 'Restart the daemon: it takes the underlay’s MTU as it starts.';
  return problem(check, `${listed(large)} ${large.length === 1 ? 'has' : 'have'} an MTU above ${room}, what the underlay leaves`, advice);
}
