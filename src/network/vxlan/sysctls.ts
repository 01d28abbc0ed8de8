/** What our devices' kernel parameters must be (ip-sysctl.rst), as paths below /proc/sys/net. */
type Sysctl = readonly [path: string, value: string];

/** Of the bridge of a network. @param loopback whether 127.0.0.1 leads to one of its containers: a published port does */
export const bridgeSysctls = (name: string, loopback: boolean): Sysctl[] => [
  ...routedSysctls(name, loopback),
  // Answers ARP for what is on other hosts, and at once: the kernel's default waits up to 0.8 s.
  [`ipv4/conf/${name}/proxy_arp`, '1'],
  [`ipv4/neigh/${name}/proxy_delay`, '0'],
];

/** Of the VXLAN device of a network. */
export const tunnelSysctls = (name: string, loopback: boolean): Sysctl[] => routedSysctls(name, loopback);

/** IPv6 would give a device an address of its own, and with it a way past all rules here, which are IPv4's. */
export const deviceSysctls = (name: string): Sysctl[] => [[`ipv6/conf/${name}/disable_ipv6`, '1']];

export const IP_FORWARD = 'ipv4/ip_forward';

/** Of the host as a whole: the only one that is not our own devices'. */
export const hostSysctls = (): Sysctl[] => [[IP_FORWARD, '1']];

const routedSysctls = (name: string, loopback: boolean): Sysctl[] => [
  ...deviceSysctls(name),
  [`ipv4/conf/${name}/forwarding`, '1'],
  // Loose: what comes from a host's inner address by one network's tunnel is answered by the default network's.
  [`ipv4/conf/${name}/rp_filter`, '2'],
  [`ipv4/conf/${name}/send_redirects`, '0'],
  [`ipv4/conf/${name}/route_localnet`, loopback ? '1' : '0'],
];
