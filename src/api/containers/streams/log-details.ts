import type { ContainerDetails, LogWish } from '../../../engine/port.ts';

/**
 * What `logs --details` puts before each line: what the log options `labels` and `env` name of the container's, as
 * `key=value,key=value`, and a space in any case.
 */
export function logDetails(log: LogWish | undefined, { labels, env }: Pick<ContainerDetails, 'labels' | 'env'>): string {
  const variables = Object.fromEntries(env.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]));
  const shown = new Map([...named(log?.options['labels'], labels), ...named(log?.options['env'], variables)]);
  const words = [...shown].sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.map(escaped).join('='));
  return `${words.join(',')} `;
}

function named(names: string | undefined, values: Readonly<Record<string, string>>): [string, string][] {
  return (names ?? '').split(',').flatMap((name): [string, string][] => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? [] : [[name, value]];
  });
}

/** As Go's url.QueryEscape does. */
const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
