import type { Message, NameHolder } from '../../core/model/index.ts';

/** A message's kind and the first digits of what it is about, for traces. */
export function aboutMessage(message: Message): string {
  const ids: string[] = [];
  if ('need' in message) ids.push(`${message.need.requestId.slice(0, 6)}#${message.need.attempt}`);
  if ('request' in message) ids.push(message.request.id.slice(0, 6), message.request.containerId.slice(0, 6));
  if ('requestId' in message)
    ids.push('attempt' in message ? `${message.requestId.slice(0, 6)}#${message.attempt}` : message.requestId.slice(0, 6));
  if ('containerId' in message) ids.push(message.containerId.slice(0, 6));
  if ('error' in message) ids.push(message.error.code);
  if ('phase' in message) ids.push(message.phase);
  if ('name' in message) ids.push(message.name);
  if ('holder' in message) ids.push(message.holder === undefined ? 'granted' : `taken by ${aboutHolder(message.holder)}`);
  if ('rows' in message) {
    ids.push(...message.rows.map(({ key, containerId }) => `${key.kind} of ${containerId.slice(0, 6)}`));
    ids.push(...message.gone.map(({ key, containerId }) => `no ${key.kind} of ${containerId.slice(0, 6)}`));
  }
  if ('entries' in message) ids.push(message.entries.map(aboutHolder).join(', ') || 'none', message.complete ? '' : 'or more');
  return [message.kind, ...ids].join(' ').trimEnd();
}

const aboutHolder = ({ containerId, node }: NameHolder): string => `${containerId.slice(0, 6)} on ${node.slice(0, 6)}`;
