import type { BaseChain } from '../../linux/nft.ts';
import type { HostExpected } from './check-host.ts';
import type { ClosedChain } from './facts.ts';

/** How deep chains that call each other are followed. */
const DEPTH = 8;

/**
 * The base chain as the doctor sees it where it stops what none of its rules accepts: by its policy, or by its last
 * rule, as firewalld and most hand-made rules do. Which rules come before one that accepts is for people to see.
 * @param table the chain's, as nft(8) prints it
 */
export function closedChain(chain: BaseChain, table: string, expected: HostExpected): ClosedChain | undefined {
  const chains = chainsIn(table);
  if (chain.policy !== 'drop' && !endsClosed(chains, chain.name, DEPTH)) return undefined;
  const rules = [...chains.values()].flat();
  const ours = (word: string): boolean => rules.some((rule) => rule.includes(`${word} "${expected.devices}*"`) && accepts(rule, chains));
  if (chain.hook === 'input') {
    const opens = (port: number): boolean =>
      rules.some((rule) => /\baccept$/.test(rule) && /\bdport\b/.test(rule) && new RegExp(`\\b${port}\\b`).test(rule));
    return { ...chain, accepts: opens(expected.vxlanPort), names: ours('iifname') || opens(DNS_PORT) };
  }
  // What comes in to a published port is translated before.
  const isOutOpen = ours('oifname') || rules.some((rule) => /^ct status dnat accept$/.test(rule));
  return { ...chain, accepts: ours('iifname') && isOutOpen, names: true };
}

const DNS_PORT = 53;

type Chains = ReadonlyMap<string, readonly string[]>;

/** Rules by chain, without counters. */
function chainsIn(table: string): Chains {
  const chains = new Map<string, string[]>();
  let rules: string[] | undefined;
  for (const line of table.split('\n').map((text) => text.trim())) {
    const [, name] = /^chain (\S+) \{$/.exec(line) ?? [];
    if (name !== undefined) chains.set(name, (rules = []));
    else if (line === '}') rules = undefined;
    else if (line !== '' && !/^(type|policy|#)/.test(line)) rules?.push(line.replace(/\bcounter( packets \d+ bytes \d+)? ?/, ''));
  }
  return chains;
}

/** Whether nothing gets past its last rule. */
function endsClosed(chains: Chains, name: string, depth: number): boolean {
  const last = chains.get(name)?.at(-1) ?? '';
  if (/^(log\b.* )?(drop|reject\b.*)$/.test(last)) return true;
  const [, next] = /^(?:jump|goto) (\S+)$/.exec(last) ?? [];
  return next !== undefined && depth > 0 && endsClosed(chains, next, depth - 1);
}

/** By itself, or by a chain that accepts whatever comes. */
function accepts(rule: string, chains: Chains, depth = DEPTH): boolean {
  if (/\baccept$/.test(rule)) return true;
  const [, next] = /\b(?:jump|goto) (\S+)$/.exec(rule) ?? [];
  return (
    next !== undefined &&
    depth > 0 &&
    (chains.get(next) ?? []).some((each) => /^(accept|(jump|goto) \S+)$/.test(each) && accepts(each, chains, depth - 1))
  );
}
