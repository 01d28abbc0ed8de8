/** resolv.conf(5) of a container: the network's gateway answers; `--dns` servers are asked by it, not by the container. */
export interface ResolvConf {
  /** Dotted. */
  readonly gateway: string;
  /** `--dns-search`; a single `.` stands for none at all, as with Docker. */
  readonly search: readonly string[];
  /** `--dns-option`. */
  readonly options: readonly string[];
}

/** A name without a dot is asked as it is first (ndots:0), since containers are called so; an option of the user's has the last word. */
export function resolvConf({ gateway, search, options }: ResolvConf): string {
  const domains = search.filter((domain) => domain !== '.' && domain !== '');
  const all = options.some((option) => option.startsWith('ndots:')) ? options : [...options, 'ndots:0'];
  return [
    `nameserver ${gateway}`,
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    `options ${[...new Set(all)].join(' ')}`,
    '',
  ].join('\n');
}
