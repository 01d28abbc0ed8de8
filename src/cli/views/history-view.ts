import type { HistoryRow } from '../../docker-api/types.ts';
import { durationText } from '../../lib/duration-text.ts';
import { decimalSize } from '../format/human.ts';
import type { View } from '../format/list.ts';

const COMMAND_CHARACTERS = 45;

/** Docker's columns of `history`. */
export function historyView(options: { readonly human: boolean; readonly trunc: boolean; readonly nowMs: number }): View<HistoryRow> {
  const { human, trunc, nowMs } = options;
  return {
    columns: ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'],
    titles: {
      ID: 'IMAGE',
      CreatedSince: 'CREATED',
      CreatedAt: 'CREATED AT',
      CreatedBy: 'CREATED BY',
      Size: 'SIZE',
      Comment: 'COMMENT',
    },
    fields: (row) => {
      const by = row.CreatedBy.replaceAll('\t', ' ');
      return {
        ID: trunc ? row.Id.replace(/^sha256:/, '').slice(0, row.Id.startsWith('<') ? undefined : 12) : row.Id,
        CreatedSince: `${durationText(nowMs - row.Created * 1_000)} ago`,
        CreatedAt: new Date(row.Created * 1_000).toISOString().replace('.000Z', 'Z'),
        CreatedBy: trunc && by.length > COMMAND_CHARACTERS ? `${by.slice(0, COMMAND_CHARACTERS - 1)}…` : by,
        Size: human ? decimalSize(row.Size) : String(row.Size),
        Comment: row.Comment,
        Tags: (row.Tags ?? []).join(','),
      };
    },
  };
}
