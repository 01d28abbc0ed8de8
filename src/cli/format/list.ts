import { table } from './table.ts';
import { compileTemplate } from './template/evaluate.ts';
import { show } from './template/functions.ts';

/** How a list of rows can be shown. */
export interface View<Row> {
  /** What templates see: a name and its value. Functions are methods (`{{.Label "key"}}`). */
  fields(row: Row): Readonly<Record<string, unknown>>;
  /** Column titles by field, for `table {{.X}}`. */
  readonly titles: Readonly<Record<string, string>>;
  /** The fields of the table, in order. */
  readonly columns: readonly string[];
  /** What `--format json` prints of a row; its fields unless given. */
  json?(row: Row): unknown;
}

/**
 * Renders rows by `--format`: nothing or `table` for the table, `json` for one JSON value a line,
 * `table TEMPLATE` for a table of one's own (cells parted by \t), else the template for each row.
 * @throws TemplateError
 */
export function renderList<Row>(rows: readonly Row[], view: View<Row>, format: string | undefined): string {
  if (format === undefined || format === 'table') {
    const header = view.columns.map((name) => view.titles[name] ?? name.toUpperCase());
    return table([header, ...rows.map((row) => cells(view, row))]);
  }
  if (format === 'json') return rows.map((row) => `${JSON.stringify(view.json?.(row) ?? view.fields(row))}\n`).join('');
  const asTable = /^table\s+/.exec(format);
  // Docker reads \t and \n in the option itself, so that no shell needs to quote them specially.
  const render = compileTemplate(
    (asTable === null ? format : format.slice(asTable[0].length)).replaceAll('\\t', '\t').replaceAll('\\n', '\n'),
  );
  const lines = rows.map((row) => render(view.fields(row)));
  if (asTable === null) return lines.map((line) => `${line}\n`).join('');
  const titles = { ...view.titles, Label: (key: unknown) => String(key).split('.').at(-1)?.toUpperCase() ?? '' };
  return table([render(titles), ...lines].map((line) => line.split('\t')));
}

function cells<Row>(view: View<Row>, row: Row): string[] {
  const fields = view.fields(row);
  return view.columns.map((name) => show(fields[name] ?? ''));
}
