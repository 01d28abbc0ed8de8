const QUOTED = /^"((?:[^"]|"")*)"(?=,|$)/;
const PLAIN = /^[^",]*(?=,|$)/;

/**
 * The fields of one line of comma-separated values, as Docker reads `--mount`: a field in double quotes may have commas,
 * and quotes written twice (RFC 4180, section 2). @throws RangeError
 */
export function csvFields(text: string): string[] {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const match = QUOTED.exec(rest) ?? PLAIN.exec(rest);
    if (match === null) throw new RangeError(`${JSON.stringify(text)} has a quote that does not begin and end a field`);
    const [whole, quoted] = match;
    fields.push(quoted === undefined ? whole : quoted.replaceAll('""', '"'));
    if (whole.length === rest.length) return fields;
    rest = rest.slice(whole.length + 1);
  }
}
