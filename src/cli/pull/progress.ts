import type { Writable } from 'node:stream';
import type { ProgressMessage } from '../../docker-api/types.ts';
import { decimalSize } from '../format/human.ts';

const BAR_CHARACTERS = 40;
/** Layers shown with a bar of their own; more than a screen's worth scrolls past instead. */
const MAX_ROWS = 24;

/** Shows the messages of a pull or load. */
export interface Progress {
  show(message: ProgressMessage): void;
}

/** One line per step; bars would be noise in a file. */
export function plainProgress(to: Writable): Progress {
  return {
    show(message) {
      const hasBar = (message.progressDetail?.total ?? 0) > 0 || (message.progressDetail?.current ?? 0) > 0;
      const text = textOf(message);
      if (!hasBar && text !== '') to.write(`${text}\n`);
    },
  };
}

/** A line per layer, redrawn in place. */
export function barProgress(to: Writable): Progress {
  const rows: string[] = [];
  return {
    show(message) {
      const text = textOf(message);
      if (message.id === undefined || message.id === '' || rows.length >= MAX_ROWS) {
        if (text !== '') to.write(`${text}\n`);
        // What was printed below the rows pushed them out of reach: later messages start anew.
        rows.length = 0;
        return;
      }
      let at = rows.indexOf(message.id);
      if (at < 0) {
        at = rows.push(message.id) - 1;
        to.write('\n');
      }
      const up = rows.length - at;
      to.write(`\u001b[${up}A\r\u001b[2K${text}${bar(message)}\u001b[${up}B\r`);
    },
  };
}

function textOf(message: ProgressMessage): string {
  if (message.stream !== undefined) return message.stream.trimEnd();
  const status = message.status ?? '';
  return message.id === undefined || message.id === '' ? status : `${message.id}: ${status}`;
}

function bar(message: ProgressMessage): string {
  const { current = 0, total = 0 } = message.progressDetail ?? {};
  if (current <= 0) return '';
  if (total <= 0) return ` ${decimalSize(current)}`;
  const filled = Math.min(BAR_CHARACTERS, Math.floor((current / total) * BAR_CHARACTERS));
  return ` [${'='.repeat(filled)}${filled < BAR_CHARACTERS ? '>' : ''}${' '.repeat(Math.max(0, BAR_CHARACTERS - filled - 1))}] ${decimalSize(current)}/${decimalSize(total)}`;
}
